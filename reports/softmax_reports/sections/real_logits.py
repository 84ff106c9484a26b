"""What the errors do to real work: predicted digits, cross-entropy loss, attention weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from softmax_reports.numbers import digits, in_order, sampled_maximum
from softmax_reports.section import Paragraph, Picture, Section, Table
from softmax_reports.style import line_styles, panels, shared_legend

if TYPE_CHECKING:
    from softmax_harness.run.results import Run

_PAIR = ["dtype", "implementation"]


def real_logits(run: Run) -> Section | None:
    """The digits of a classifier, then the attention of a language model."""
    parts: list[Paragraph | Picture | Table] = []
    if (table := run.tables.get("digits")) is not None:
        parts += [Paragraph(_digits_conclusion(table)), _digits(table)]
    if (table := run.tables.get("multi_label")) is not None:
        parts += [Paragraph(_labels_conclusion(table)), _labels(table)]
    if (table := run.tables.get("attention")) is not None:
        parts += [Paragraph(_attention_conclusion(table)), _attention(table), _by_head(run, table)]
    return Section("On real logits", parts) if parts else None


def _digits_conclusion(table: pd.DataFrame) -> str:
    rows = int(table["rows"].max())
    hurt = table[(table["changed"] > 0) | (table["infinite_losses"] > 0)]
    begun = f"On {rows} handwritten digits that the classifier was not trained on, "
    if hurt.empty:
        return f"{begun}no implementation changes a prediction or loses a loss."
    told = [
        f"{row['implementation']} in {row['dtype']} changes {row['changed']} predictions and makes "
        f"{row['infinite_losses']} losses infinite"
        for _, row in hurt.iterrows()
    ]
    return f"{begun}{'; '.join(told)}. All others predict what the exact softmax predicts."


def _digits(table: pd.DataFrame) -> Table:
    ordered = table.sort_values("implementation")
    return Table(
        "Handwritten digits. Stored: predictions that change because the logits are rounded to the "
        "dtype, before any softmax; changed: by the softmax itself. The loss is the mean "
        "cross-entropy in nats; its error is the largest of a single row.",
        (
            "dtype",
            "implementation",
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
                dtype,
                row["implementation"],
                str(row["changed_by_storage"]),
                str(row["changed"]),
                f"{row['accuracy']:.4f}",
                digits(row["loss"], 6),
                digits(row["loss_exact"], 6),
                str(row["infinite_losses"]),
                sampled_maximum(row["loss_error"]).replace("≥ ", ""),
                digits(row["calibration"], 5),
                digits(row["calibration_exact"], 5),
            )
            for dtype in in_order(table["dtype"])
            for _, row in ordered[ordered["dtype"] == dtype].iterrows()
        ],
        numeric_from=2,
    )


def _labels_conclusion(table: pd.DataFrame) -> str:
    whole = table[table["label"] == "all"].set_index("output")
    sigmoid, softmax = whole.loc["sigmoid"], whole.loc["softmax"]
    return (
        "Labels that do not exclude each other are not for softmax. Of the same exact logits of "
        "“even”, "
        f"“greater than four” and “prime”, a sigmoid of each tells all three right for "
        f"{100 * sigmoid['accuracy']:.1f} % of the digits, a softmax over the three for "
        f"{100 * softmax['accuracy']:.1f} %: it divides 1 among labels of which a digit has "
        f"{digits(sigmoid['true_mass'])} on average, and none or two may be right."
    )


def _labels(table: pd.DataFrame) -> Table:
    return Table(
        "Three labels of each digit by a sigmoid each and by one softmax, computed exactly. "
        "Outputs: their "
        "mean, of all their sum; true: how often the label holds.",
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


def _attention_conclusion(table: pd.DataFrame) -> str:
    sentences = []
    for dtype in in_order(table["dtype"]):
        cells = table[table["dtype"] == dtype].groupby("implementation")["max_abs_error"].max()
        sentences.append(
            f"{dtype}: the largest error of a weight is {digits(cells.min())} "
            f"({cells.idxmin()}) to {digits(cells.max())} ({cells.idxmax()})."
        )
    leaks = int(table["mask_leaks"].sum())
    masked = (
        "Masked tokens get exactly 0 from all."
        if not leaks
        else f"{leaks} masked tokens get a weight other than 0."
    )
    return f"Attention weights of MiniLM. {' '.join(sentences)} {masked}"


def _attention(table: pd.DataFrame) -> Table:
    grouped = table.groupby(_PAIR)
    maxima = grouped[["max_abs_error", "max_ulp", "total_variation"]].max()
    sums = grouped[["argmax_flips", "order_inversions", "lost_weights", "mask_leaks"]].sum()
    return Table(
        "Attention weights over all layers and heads. Misplaced: the largest part of a row’s "
        "attention that went to the wrong tokens (total variation); flips: rows whose most "
        "attended "
        "token changed; inversions: pairs of tokens that changed order; lost: weights that became "
        "NaN or 0.",
        (
            "dtype",
            "implementation",
            "error of a weight",
            "in ulp",
            "misplaced",
            "flips",
            "inversions",
            "lost",
        ),
        [
            (
                dtype,
                name,
                digits(maxima.loc[(dtype, name), "max_abs_error"]),
                digits(maxima.loc[(dtype, name), "max_ulp"]),
                digits(maxima.loc[(dtype, name), "total_variation"]),
                str(sums.loc[(dtype, name), "argmax_flips"]),
                str(sums.loc[(dtype, name), "order_inversions"]),
                str(sums.loc[(dtype, name), "lost_weights"]),
            )
            for dtype in in_order(table["dtype"])
            for name in sorted(maxima.xs(dtype, level="dtype").index)
        ],
        numeric_from=2,
    )


def _by_head(run: Run, table: pd.DataFrame) -> Picture:
    return Picture(
        "attention-by-head",
        "Largest error of an attention weight in each layer and head, over all real queries of "
        "eight sentences.",
        "Largest error of an attention weight by layer and head, one panel for each dtype",
        _figure(run, table),
    )


def _figure(run: Run, table: pd.DataFrame) -> Figure:
    dtypes = in_order(table["dtype"])
    figure, axes = panels(1, len(dtypes), 3.6)
    styles = line_styles(run)
    for axis, dtype in zip(axes[0], dtypes, strict=True):
        for name, line in table[table["dtype"] == dtype].groupby("implementation"):
            line = line.sort_values(["layer", "head"])
            places = [f"{row.layer}/{row.head}" for row in line.itertuples()]
            style = styles[str(name)] | {"linewidth": 0.7}
            axis.plot(places, line["max_abs_error"], label=name, **style)
        axis.set(title=dtype, xlabel="layer/head", yscale="log")
        axis.tick_params(axis="x", rotation=90, labelsize=7)
    axes[0][0].set_ylabel("largest |y − z| of a weight")
    shared_legend(figure, axes)
    return figure
