"""What the errors do to real work: predicted digits, cross-entropy loss, attention weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from softmax_reports.facts import REFERENCE, listed
from softmax_reports.labels import label_ends
from softmax_reports.numbers import counted, digits, in_order, whole
from softmax_reports.section import Folded, Panel, Paragraph, Part, Picture, Section, Table
from softmax_reports.style import finite_range, log_ticks, looks, panel

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

_PAIR = ["dtype", "implementation"]
_LAYERS = {"sigmoid": "a sigmoid for each label", "softmax": "one softmax over the labels"}


def real_logits(run: Run) -> Section | None:
    """The digits of a classifier, then the attention of a language model."""
    parts: list[Part] = []
    if (table := run.tables.get("digits")) is not None:
        parts += [Paragraph(_digits_conclusion(table))]
        parts += [Folded("Handwritten digits, each implementation", [_digits(table)])]
    if (table := run.tables.get("multi_label")) is not None:
        parts += [Paragraph(_labels_conclusion(table))]
        parts += [Folded("Labels that do not exclude each other", [_labels(table)])]
    if (table := run.tables.get("attention")) is not None:
        parts += [Paragraph(text) for text in _attention_conclusions(table)]
        parts += [_by_head(run, table)]
        parts += [Folded("Attention weights, each implementation", [_attention(table)])]
    return Section("On real logits", parts) if parts else None


def _harm(row: pd.Series) -> str:
    """What one does to predictions and losses, where it does anything to them."""
    changed, lost = int(row["changed"]), int(row["infinite_losses"])
    told = [f"changes {counted(changed, 'prediction')}"] if changed else []
    told += [f"makes {counted(lost, 'loss', 'losses')} infinite"] if lost else []
    return listed(told)


def _digits_conclusion(table: pd.DataFrame) -> str:
    """Who changes predictions or loses losses, and whether any does not."""
    tried = table[table["implementation"] != REFERENCE]
    if tried.empty:
        return "Only the exact reference was measured on handwritten digits."
    hurt = tried[(tried["changed"] > 0) | (tried["infinite_losses"] > 0)]
    begun = (
        f"On {whole(table['rows'].max())} handwritten digits that the classifier was not "
        f"trained on ({listed(in_order(table['dtype']))})"
    )
    if hurt.empty:
        return f"{begun} no implementation changes a prediction or loses a loss."
    told = [f"{row['implementation']} in {row['dtype']} {_harm(row)}" for _, row in hurt.iterrows()]
    names = [f"{row['implementation']} in {row['dtype']}" for _, row in hurt.iterrows()]
    kept = f"all but {listed(names)} predict what the exact softmax predicts"
    if len(hurt) == len(tried):
        kept = "no implementation predicts throughout what the exact softmax predicts"
    return f"{begun} {kept}. Here {'; '.join(told)}."


def _digits(table: pd.DataFrame) -> Table:
    ordered = table.sort_values("implementation")
    return Table(
        "Handwritten digits. “Stored” counts the predictions that change because the logits are "
        "rounded to the dtype, before any softmax. “Changed” counts those that the softmax "
        "itself changes. The loss is the mean cross-entropy in nats; its error is the largest "
        "error of a single row",
        (
            "implementation",
            "dtype",
            "stored",
            "changed",
            "accuracy",
            "loss",
            "exact loss",
            "infinite losses",
            "error of a loss",
            "calibration error",
            "exact",
        ),
        [
            (
                row["implementation"],
                dtype,
                whole(row["changed_by_storage"]),
                whole(row["changed"]),
                f"{row['accuracy']:.4f}",
                digits(row["loss"], 6),
                digits(row["loss_exact"], 6),
                whole(row["infinite_losses"]),
                digits(row["loss_error"]),
                digits(row["calibration"], 5),
                digits(row["calibration_exact"], 5),
            )
            for dtype in in_order(table["dtype"])
            for _, row in ordered[ordered["dtype"] == dtype].iterrows()
        ],
        numeric_from=2,
    )


def _labels_conclusion(table: pd.DataFrame) -> str:
    """Which output layer tells more of the labels right, and what each hands out."""
    every = table[table["label"] == "all"].set_index("output")
    labels = [f"“{each}”" for each in dict.fromkeys(table["label"]) if each != "all"]
    right = {name: every.loc[name, "accuracy"] for name in ("sigmoid", "softmax")}
    better, other = sorted(right, key=lambda name: -right[name])
    begun = (
        f"Labels that do not exclude each other, {listed(labels)}, of "
        f"{counted(int(every['rows'].max()), 'digit')}, from the same exact logits:"
    )
    if right[better] == right[other]:
        told = f"{_LAYERS['sigmoid']} and {_LAYERS['softmax']} are right equally often"
        told += f", in all labels for {_percent(right[better])} of the digits."
    else:
        told = (
            f"{_LAYERS[better]} gets all right more often, for {_percent(right[better])} of the "
            f"digits, than {_LAYERS[other]}, for {_percent(right[other])}."
        )
    return (
        f"{begun} {told} The outputs of the softmax sum to {digits(every.loc['softmax', 'mass'])} "
        f"on average, those of the sigmoids to {digits(every.loc['sigmoid', 'mass'])}; a digit has "
        f"{digits(every['true_mass'].iloc[0])} of the labels on average."
    )


def _percent(part: float) -> str:
    return f"{100 * part:.1f} %"


def _labels(table: pd.DataFrame) -> Table:
    return Table(
        "Labels of each digit, by one sigmoid for each label and by one softmax, computed exactly. "
        "“Outputs” is their mean; for all labels together it is the mean of their sum. “True” is "
        "how often the label holds",
        ("output layer", "label", "accuracy", "loss (nats)", "outputs", "true"),
        [
            (
                row["output"],
                row["label"],
                f"{row['accuracy']:.4f}",
                digits(row["loss"], 4),
                digits(row["mass"], 4),
                digits(row["true_mass"], 4),
            )
            for _, row in table.iterrows()
        ],
        numeric_from=2,
    )


def _attention_conclusions(table: pd.DataFrame) -> list[str]:
    """Whose weights err least and most, and whether masked tokens leak."""
    tried = table[table["implementation"] != REFERENCE]
    own = tried[["layer", "head"]].drop_duplicates()
    if tried.empty:
        return ["Only the exact reference was measured on attention weights."]
    measured = f"{len(own)} heads of {own['layer'].nunique()} layers of MiniLM"
    return [
        *(
            f"{dtype} ({measured}): {_of_weights(tried[tried['dtype'] == dtype])}."
            for dtype in in_order(tried["dtype"])
        ),
        f"{listed(in_order(tried['dtype']))} ({measured}): {_leaks(tried)}.",
    ]


def _of_weights(table: pd.DataFrame) -> str:
    cells = table.groupby("implementation")["max_abs_error"].max().dropna()
    if cells.empty:
        return "no weight is a number"
    if len(cells) == 1:
        return f"a weight of {cells.index[0]} errs by up to {digits(cells.max())}"
    if cells.min() == cells.max():
        return f"a weight errs by up to {digits(cells.max())} in every implementation"
    return (
        f"the weights of {cells.idxmin()} err least, by up to {digits(cells.min())}, those of "
        f"{cells.idxmax()} most, by up to {digits(cells.max())}"
    )


def _leaks(table: pd.DataFrame) -> str:
    leaks = table.groupby("implementation")["mask_leaks"].sum()
    if not leaks.any():
        return "masked tokens get exactly 0 from every implementation"
    told = [f"{whole(count)} from {name}" for name, count in leaks[leaks > 0].items()]
    return f"masked tokens get a weight other than 0, {listed(told)}"


def _attention(table: pd.DataFrame) -> Table:
    grouped = table.groupby(_PAIR)
    maxima = grouped[["max_abs_error", "max_ulp", "total_variation"]].max()
    sums = grouped[["argmax_flips", "order_inversions", "lost_weights", "mask_leaks"]].sum()
    return Table(
        "Attention weights over all layers and heads. “Misplaced” is the largest part of a row’s "
        "attention that went to the wrong tokens (total variation). “Flips” counts rows whose "
        "most attended token changed, “inversions” pairs of tokens that changed order, “lost” "
        "weights that became NaN, infinite or wrongly 0",
        (
            "implementation",
            "dtype",
            "error of a weight",
            "in ulp",
            "misplaced",
            "flips",
            "inversions",
            "lost",
        ),
        [
            (
                name,
                dtype,
                digits(maxima.loc[(dtype, name), "max_abs_error"]),
                digits(maxima.loc[(dtype, name), "max_ulp"]),
                digits(maxima.loc[(dtype, name), "total_variation"]),
                whole(sums.loc[(dtype, name), "argmax_flips"]),
                whole(sums.loc[(dtype, name), "order_inversions"]),
                whole(sums.loc[(dtype, name), "lost_weights"]),
            )
            for dtype in in_order(table["dtype"])
            for name in sorted(maxima.xs(dtype, level="dtype").index)
        ],
        numeric_from=2,
    )


def _by_head(run: Run, table: pd.DataFrame) -> Picture:
    styles = looks(run.results["implementation"].unique())
    return Picture(
        "attention-by-head",
        "Largest error of an attention weight in each layer and head, over all real queries.",
        [
            _panel(dtype, table[table["dtype"] == dtype], styles)
            for dtype in in_order(table["dtype"])
        ],
    )


def _panel(dtype: str, table: pd.DataFrame, styles: dict[str, dict[str, Any]]) -> Panel:
    figure, axis = panel(3.4)
    heads = sorted(set(zip(table["layer"], table["head"], strict=True)))
    axis.set(title=dtype, xlabel="layer/head", ylabel="largest |y − z| of a weight", yscale="log")
    ends = []
    for name, line in table.groupby("implementation"):
        line = line.sort_values(["layer", "head"])
        line = line[line["max_abs_error"] > 0]
        places = [heads.index(each) for each in zip(line["layer"], line["head"], strict=True)]
        axis.plot(places, line["max_abs_error"], **(styles[str(name)] | {"linewidth": 0.7}))
        if places:
            last = float(line["max_abs_error"].iloc[-1])
            ends.append((str(name), places[-1], last, styles[str(name)]["color"]))
    axis.set_ylim(*finite_range(table["max_abs_error"]))
    every = -(-len(heads) // 9)
    shown = range(0, len(heads), every)
    axis.set_xticks(shown, [f"{heads[each][0]}/{heads[each][1]}" for each in shown])
    log_ticks(axis, "y")
    label_ends(axis, ends)
    words = f"Largest error of an attention weight by layer and head in {dtype}"
    return Panel(dtype, words, figure)
