"""report.html, one file that opens offline: pictures first, then the table behind them."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import jinja2
import matplotlib.pyplot as plt
import pandas as pd

BROKEN = [
    "overflow",
    "denominator_underflow",
    "nan",
    "spurious_underflow",
    "out_of_range",
    "wrong_special",
]

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>softmax-harness report</title>
<style>body{font:16px/1.5 sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse}td,th{padding:.2rem .7rem;border-bottom:1px solid #ccc;
text-align:right}th{text-align:left}img{max-width:100%}</style></head><body>
<h1>How wrong is each softmax?</h1>
<p>Errors are in ulp of the exact value, computed by mpmath; a sampled maximum is a lower bound,
hence &ge;. An element counts as broken if it overflowed, lost its denominator, underflowed where
the exact value did not, left [0, 1], or broke the special-value policy.</p>
<table><tr><th>implementation</th><th>dtype</th><th>largest error (ulp)</th><th>broken elements</th>
<th>worst family</th></tr>
{% for row in summary %}<tr><th>{{ row.implementation }}</th><th>{{ row.dtype }}</th>
<td>&ge; {{ "%.6g"|format(row.max_ulp) }}</td><td>{{ row.broken }} of {{ row.elements }}</td>
<td>{{ row.family }}, n = {{ row.n }}</td></tr>
{% endfor %}</table>
<h2>How the error grows with n</h2>
<img alt="Largest error in ulp against n" src="data:image/png;base64,{{ growth }}">
<h2>Environment</h2><table>{% for name, value in environment.items() %}
<tr><th>{{ name }}</th><td>{{ value }}</td></tr>{% endfor %}</table></body></html>
"""


def summarize(table: pd.DataFrame) -> list[dict[str, Any]]:
    """For each implementation and dtype: its largest error, where, and how much broke."""
    rows = []
    for (implementation, dtype), cells in table.groupby(["implementation", "dtype"]):
        worst = cells.loc[cells["max_ulp"].idxmax()]
        rows.append(
            {
                "implementation": implementation,
                "dtype": dtype,
                "max_ulp": worst["max_ulp"],
                "family": worst["family"],
                "n": worst["n"],
                "broken": int(cells[BROKEN].to_numpy().sum()),
                "elements": int(cells["elements"].sum()),
            }
        )
    return rows


def growth_figure(table: pd.DataFrame) -> bytes:
    """Largest error against n on normal logits of scale 1, a panel per dtype, as PNG."""
    dtypes = sorted(table["dtype"].unique())
    figure, axes = plt.subplots(1, len(dtypes), figsize=(4 * len(dtypes), 3.6), squeeze=False)
    normal = table[(table["family"] == "normal-1") & (table["n"] > 1)]
    for axis, dtype in zip(axes[0], dtypes, strict=True):
        cells = normal[normal["dtype"] == dtype]
        for marker, (name, line) in zip("os^vDPX*", cells.groupby("implementation"), strict=False):
            axis.loglog(line["n"], line["max_ulp"], marker=marker, label=name)
        axis.set(title=dtype, xlabel="n", ylabel="largest error (ulp)")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.tight_layout(rect=(0, 0.1, 1, 1))
    figure.legend(handles, labels, loc="lower center", ncols=len(labels), frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    plt.close(figure)
    return buffer.getvalue()


def write_report(run: Any, folder: Path) -> None:
    """Write report.html into `folder`."""
    table, environment = run.results, run.info["environment"]
    picture = base64.b64encode(growth_figure(table)).decode()
    page = jinja2.Environment(autoescape=True).from_string(_PAGE)
    text = page.render(summary=summarize(table), growth=picture, environment=environment)
    (folder / "report.html").write_text(text, encoding="utf-8")
