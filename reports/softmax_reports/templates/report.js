"use strict";
// Without this the page is complete; with it, tables sort and filter, and commands can be copied.
// Choices are kept in the address: #ANCHOR?dtype=float32&operation=softmax&name=naive&sort=2:1:desc
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const make = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  // Numbers as they are written: "≥ 1,234", "12 of 3,400 (0.4 %)", "1.2 (1.1–1.3) ×", "∞", "–".
  const number = (text) => {
    if (text.includes("∞")) return Infinity;
    const found = text.replace(/,/g, "").match(/[-−]?\d+(\.\d+)?(e-?\d+)?/);
    return found ? Number(found[0].replace("−", "-")) : NaN;
  };

  const tables = all("table").map((table) => {
    const heads = all("thead th", table);
    const columns = Object.fromEntries(heads.map((head, place) => [head.textContent, place]));
    return { table, heads, columns, body: table.tBodies[0], rows: [...table.tBodies[0].rows] };
  });

  // --- choices, in the address
  const KEYS = ["operation", "dtype", "family", "name", "metric"];
  const state = { anchor: "", sort: "" };
  const read = () => {
    const [anchor, query = ""] = decodeURI(location.hash.slice(1)).split("?");
    const given = new URLSearchParams(query);
    state.anchor = anchor;
    for (const key of [...KEYS, "sort"]) state[key] = given.get(key) ?? "";
  };
  const write = () => {
    const given = new URLSearchParams();
    for (const key of [...KEYS, "sort"]) if (state[key]) given.set(key, state[key]);
    const query = given.toString();
    history.replaceState(null, "", `#${encodeURI(state.anchor)}${query ? `?${query}` : ""}`);
  };

  const text = (row, place) => (place === undefined ? null : row.cells[place].textContent);
  const fits = (row, columns) => {
    const has = (key, column) => !state[key] || columns[column] === undefined || text(row, columns[column]) === state[key];
    const name = text(row, columns.implementation ?? columns.softmax ?? columns.use);
    return has("dtype", "dtype") && has("operation", "operation") && has("family", "family") &&
      (!state.name || name === null || name.toLowerCase().includes(state.name.toLowerCase()));
  };
  const filter = () => {
    for (const { rows, columns, table } of tables) {
      if (table.classList.contains("matrix")) continue;
      let shown = 0;
      for (const row of rows) shown += !(row.hidden = !fits(row, columns));
      const note = table.closest(".wide").previousElementSibling;
      if (note?.classList.contains("shown")) note.firstChild.data = shown < rows.length ? `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} lines ` : "";
    }
    for (const each of all("[data-dtype]")) each.hidden = Boolean(state.dtype) && each.dataset.dtype !== state.dtype;
  };

  // --- sorting
  const sorted = (entry, place, order) => {
    const { heads, rows, body, table } = entry;
    const isNumeric = !table.classList.contains(`w${place}`);
    const key = (row) => (isNumeric ? number(text(row, place)) : text(row, place));
    const sign = order === "desc" ? -1 : 1;
    const keyed = rows.map((row, index) => [key(row), index, row]);
    keyed.sort(([a, i], [b, j]) => {
      if (!isNumeric) return sign * a.localeCompare(b) || i - j;
      if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b) || i - j;
      return a === b ? i - j : sign * (a < b ? -1 : 1);
    });
    body.append(...keyed.map(([, , row]) => row));
    heads.forEach((head, index) => head.removeAttribute("aria-sort", index));
    heads[place].setAttribute("aria-sort", order === "desc" ? "descending" : "ascending");
  };
  tables.forEach((entry, index) => {
    entry.heads.forEach((head, place) => {
      const button = make("button", { type: "button" }, ...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const isNumeric = !entry.table.classList.contains(`w${place}`);
        const before = head.getAttribute("aria-sort");
        const order = before ? (before === "ascending" ? "desc" : "asc") : isNumeric ? "desc" : "asc";
        sorted(entry, place, order);
        state.sort = `${index}:${place}:${order}`;
        write();
      });
    });
    const copy = make("button", { type: "button", className: "copy", textContent: "copy table" });
    copy.addEventListener("click", () => copied(copy, tsv(entry)));
    const note = make("div", { className: "shown" }, "", copy);
    note.prepend(document.createTextNode(""));
    entry.table.closest(".wide").before(note);
  });
  const tsv = ({ table }) => [...table.rows].filter((row) => !row.hidden)
    .map((row) => [...row.cells].map((cell) => (cell.querySelector("code, button") ?? cell).textContent).join("\t")).join("\n");

  // --- copying
  const status = make("div", { className: "visually-hidden" });
  status.setAttribute("role", "status");
  document.body.append(status);
  const copied = async (button, what) => {
    try {
      await navigator.clipboard.writeText(what);
    } catch {
      const area = make("textarea", { value: what });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    const before = button.dataset.label ?? (button.dataset.label = button.textContent);
    button.textContent = "copied";
    status.textContent = "copied";
    setTimeout(() => { button.textContent = before; status.textContent = ""; }, 1500);
  };
  for (const code of all("code.command")) {
    const button = make("button", { type: "button", className: "copy", textContent: "copy" });
    button.setAttribute("aria-label", "copy the command");
    button.addEventListener("click", () => copied(button, code.textContent));
    code.after(button);
  }

  // --- what a word means, where it stands
  const tip = make("div", { id: "tip", hidden: true });
  tip.setAttribute("role", "tooltip");
  document.body.append(tip);
  const explain = (link) => {
    const term = document.getElementById(link.getAttribute("href").slice(1));
    if (!term) return;
    tip.textContent = term.nextElementSibling.textContent;
    tip.hidden = false;
    const place = link.getBoundingClientRect();
    const left = Math.max(8, Math.min(place.left, innerWidth - tip.offsetWidth - 12));
    tip.attributeStyleMap.set("left", CSS.px(left + scrollX));
    tip.attributeStyleMap.set("top", CSS.px(place.bottom + scrollY + 6));
    link.setAttribute("aria-describedby", "tip");
  };
  const silence = (link) => { tip.hidden = true; link.removeAttribute("aria-describedby"); };
  for (const link of all("a.t")) {
    link.addEventListener("mouseenter", () => explain(link));
    link.addEventListener("focus", () => explain(link));
    link.addEventListener("mouseleave", () => silence(link));
    link.addEventListener("blur", () => silence(link));
  }
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });

  // --- drilling down: a number leads to its witness, wherever that is folded away
  const go = () => {
    const target = state.anchor && document.getElementById(state.anchor);
    if (!target) return;
    for (let each = target; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
    target.scrollIntoView();
    const focus = target.querySelector("summary") ?? target;
    focus.focus({ preventScroll: true });
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='#']");
    if (!link) return;
    event.preventDefault();
    state.anchor = link.getAttribute("href").slice(1);
    history.pushState(null, "", location.href);
    write();
    go();
  });

  // --- families against implementations, by any measure of the table of all results
  const whole = tables.find(({ columns }) => columns.family !== undefined && columns["longest n"] !== undefined);
  const METRICS = ["largest error (ulp)", "where z ≥ 1/n", "over input rounding", "broken", "inaccurate", "a row’s sum off by"];
  let matrix = null;
  const shade = (value, metric) => {
    if (!(value > 0)) return "";
    const limits = metric === "broken" || metric === "inaccurate" ? [0, 10, 100, 1e3, 1e4] : metric.startsWith("a row") ? [1e-6, 1e-4, 1e-3, 1e-2, 1e-1] : [1, 4, 32, 1e3, 1e6];
    return `h${limits.filter((limit) => value > limit).length}`;
  };
  const draw = () => {
    if (!matrix) return;
    const { rows, columns } = whole;
    const metric = state.metric || METRICS[0];
    const first = (key, column) => state[key] || (columns[column] === undefined ? "" : text(rows[0], columns[column]));
    const dtype = first("dtype", "dtype");
    const operation = first("operation", "operation");
    const own = rows.filter((row) => text(row, columns.dtype) === dtype && (!operation || columns.operation === undefined || text(row, columns.operation) === operation) &&
      (!state.name || text(row, columns.implementation).toLowerCase().includes(state.name.toLowerCase())) && (!state.family || text(row, columns.family) === state.family));
    const names = [...new Set(own.map((row) => text(row, columns.implementation)))];
    const families = [...new Set(own.map((row) => text(row, columns.family)))].sort();
    const found = new Map(own.map((row) => [`${text(row, columns.family)}\n${text(row, columns.implementation)}`, row]));
    const caption = make("caption", {}, `${metric}, ${dtype}${operation ? `, ${operation}` : ""}: choose a cell to see its witness`);
    const head = make("tr", {}, make("th", { scope: "col" }, "family"), ...names.map((name) => make("th", { scope: "col" }, name)));
    const body = families.map((family) => make("tr", {}, make("th", { scope: "row" }, family), ...names.map((name) => {
      const row = found.get(`${family}\n${name}`);
      const shown = row ? text(row, columns[metric]) : "";
      if (!row) return make("td", {});
      const button = make("button", { type: "button" }, shown);
      button.setAttribute("aria-label", `${name} on ${family}: ${shown}`);
      button.addEventListener("click", () => choose({ family, name, dtype, operation }, row));
      return make("td", { className: shade(number(shown), metric) }, button);
    })));
    matrix.replaceChildren(caption, make("thead", {}, head), make("tbody", {}, ...body));
  };
  const choose = (choice, row) => {
    Object.assign(state, choice);
    for (let each = row; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
    apply();
    row.scrollIntoView({ block: "center" });
    row.tabIndex = -1;
    row.focus({ preventScroll: true });
  };
  if (whole) {
    matrix = make("table", { className: "matrix" });
    const box = make("div", { className: "wide", tabIndex: 0 }, matrix);
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", "Families against implementations");
    whole.table.closest("details").before(box);
    // In each line of all results, the command of its witness can be copied.
    whole.body.addEventListener("click", (event) => {
      const cell = event.target.closest("td:last-child");
      if (!cell || !cell.textContent) return;
      const row = cell.parentElement;
      const operation = text(row, whole.columns.operation) ?? "softmax";
      const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, "'\"'\"'")}'`);
      const words = ["softmax-harness", "explain", cell.textContent, ...(operation === "softmax" ? [] : ["--operation", operation]), "--implementation", text(row, whole.columns.implementation)];
      status.textContent = "";
      copied(make("button"), words.map(quoted).join(" "));
    });
  }

  // --- the bar of choices
  const values = (column) => [...new Set(tables.flatMap(({ rows, columns }) => (columns[column] === undefined ? [] : rows.map((row) => text(row, columns[column])))))].filter((each) => each && each !== "–");
  const bar = document.getElementById("choices");
  const controls = {};
  const chooser = (key, label, options, empty) => {
    const select = make("select", {}, ...(empty ? [make("option", { value: "" }, empty)] : []), ...options.map((each) => make("option", { value: each }, each)));
    select.addEventListener("change", () => { state[key] = select.value; apply(); });
    select.setAttribute("aria-label", label);
    controls[key] = select;
    bar.append(make("label", {}, label, select));
  };
  const dtypes = values("dtype");
  if (dtypes.length > 1) {
    const buttons = ["", ...dtypes].map((dtype) => {
      const button = make("button", { type: "button" }, dtype || "all");
      button.addEventListener("click", () => { state.dtype = dtype; apply(); });
      return [dtype, button];
    });
    controls.dtype = { set value(chosen) { for (const [dtype, button] of buttons) button.setAttribute("aria-pressed", String(dtype === chosen)); } };
    const group = make("span", {}, "dtype", ...buttons.map(([, button]) => button));
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "dtype");
    bar.append(group);
  }
  const operations = values("operation");
  if (operations.length > 1) chooser("operation", "operation", operations, "all");
  const families = values("family").sort();
  if (families.length > 1) chooser("family", "family", families, "all");
  if (whole) chooser("metric", "metric", METRICS.filter((each) => whole.columns[each] !== undefined));
  const search = make("input", { type: "search", placeholder: "max-shifted", size: 14 });
  search.addEventListener("input", () => { state.name = search.value; apply(); });
  search.setAttribute("aria-label", "implementation");
  controls.name = search;
  bar.append(make("label", {}, "implementation", search));
  const reset = make("button", { type: "button" }, "reset");
  reset.addEventListener("click", () => { for (const key of [...KEYS, "sort"]) state[key] = ""; apply(); });
  bar.append(reset);
  bar.hidden = false;

  const apply = () => {
    for (const [key, control] of Object.entries(controls)) control.value = state[key] || (key === "metric" ? METRICS[0] : "");
    filter();
    draw();
    write();
  };
  const open = () => {
    read();
    const [index, place, order] = state.sort.split(":");
    const entry = tables[index];
    if (entry?.heads[place]) sorted(entry, Number(place), order);
    apply();
    go();
  };
  addEventListener("hashchange", open);
  open();
  // Printed, what was folded away is there.
  addEventListener("beforeprint", () => { for (const each of all("details.folded:not([data-name^='All '])")) each.open = true; });
})();
