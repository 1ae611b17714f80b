"""The report of an evaluation: figures as JSON values, and one HTML page with embedded plots."""

import io
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from duygu.training.measure import metrics
from duygu.training.measure.metrics import Predictions
from duygu.training.run.folder import RunFolder

DRAWN = 200
"""Points of the curve of risk against coverage, including both ends."""

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem }}
td, th {{ padding: .2rem .8rem; text-align: right }} th:first-child, td:first-child {{ text-align: left }}
svg {{ max-width: 100%; height: auto }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


def summary(predictions: Predictions) -> dict[str, Any]:
    """All figures of one protocol, as plain JSON values."""
    coverage, risk = metrics.risk_by_coverage(predictions)
    kept = np.unique(np.linspace(0, len(coverage) - 1, DRAWN).astype(int))
    return {
        "count": len(predictions.truth),
        "figures": metrics.measured(predictions).model_dump(),
        "interval": metrics.interval(predictions),
        "labels": list(predictions.labels),
        "recalls": metrics.recalls(predictions),
        "confusion": metrics.confusion(predictions).tolist(),
        "reliability": [[found.count, found.confidence, found.accuracy] for found in metrics.reliability(predictions)],
        "coverage": coverage[kept].tolist(),
        "risk": risk[kept].tolist(),
        "subjects": metrics.by_subject(predictions)
        if len(set(predictions.subjects)) < len(predictions.subjects)
        else {},
    }


def write_results(folder: RunFolder, name: str, report: dict[str, Any], notes: Sequence[str] = ()) -> None:
    """Write measured.json and report.html.

    name    of the model
    report  `summary` of each protocol by its name
    notes   sentences for the page, below the figures
    """
    folder.write_measured(report)
    write_report(folder.report, name, report, notes)


def write_report(path: Path, name: str, report: dict[str, Any], notes: Sequence[str] = ()) -> None:
    """Write the HTML page, with one section for each protocol."""
    paragraphs = "".join(f"<p>{escape(note)}</p>" for note in notes)
    body = figures_table(report) + paragraphs + "".join(_section(key, values) for key, values in report.items())
    path.write_text(PAGE.format(title=f"Evaluation of {escape(name)}", body=body), encoding="utf-8")


def figures_table(report: dict[str, Any]) -> str:
    """The figures of all protocols as an HTML table."""
    rows = []
    for key, values in report.items():
        figures, (low, high) = values["figures"], values["interval"]
        rows.append(
            f"<tr><td>{escape(key)}<td>{values['count']}<td>{figures['accuracy']:.1%}<td>{low:.1%} to {high:.1%}"
            f"<td>{figures['uar']:.1%}<td>{figures['ece']:.3f}"
        )
    head = "<tr><th>protocol<th>samples<th>accuracy<th>95 % interval<th>UAR<th>ECE"
    return f"<table>{head}{''.join(rows)}</table>"


def _section(key: str, values: dict[str, Any]) -> str:
    figure = Figure(figsize=(13, 8.5), layout="constrained")
    axes = figure.subplots(2, 3).ravel()
    for draw, place in zip((_confusion, _reliability, _risk, _recalls, _subjects), axes, strict=False):
        draw(place, values)
    axes[-1].set_axis_off()
    return f"<h2>{escape(key)}</h2>{_as_svg(figure)}"


def _as_svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def _confusion(axes: Axes, values: dict[str, Any]) -> None:
    labels, table = values["labels"], np.array(values["confusion"], float)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(*shares.shape):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, f"{shares[row, column]:.0%}", ha="center", va="center", fontsize=8, color=colour)
    places = range(len(labels))
    axes.set_xticks(places, labels, rotation=45, ha="right")
    axes.set_yticks(places, labels)
    axes.set(title="Confusion", xlabel="prediction", ylabel="truth")


def _reliability(axes: Axes, values: dict[str, Any]) -> None:
    counts, confidence, accuracy = np.array(values["reliability"], float).T
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    axes.scatter(confidence, accuracy, s=10 + 200 * counts / counts.max())
    axes.set(title="Reliability", xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))


def _risk(axes: Axes, values: dict[str, Any]) -> None:
    axes.plot(values["coverage"], values["risk"])
    axes.set(title="Risk against coverage", xlabel="coverage", ylabel="error rate", xlim=(0, 1), ylim=(0, None))


def _recalls(axes: Axes, values: dict[str, Any]) -> None:
    axes.barh(list(values["recalls"]), list(values["recalls"].values()))
    axes.set(title="Recall by label", xlim=(0, 1))


def _subjects(axes: Axes, values: dict[str, Any]) -> None:
    if not values["subjects"]:
        axes.set_axis_off()
        return
    low, high = values["interval"]
    axes.axvspan(low, high, alpha=0.2)
    axes.axvline(values["figures"]["accuracy"])
    axes.barh(list(values["subjects"]), list(values["subjects"].values()))
    axes.set(title="Accuracy by subject, with the interval of the mean", xlim=(0, 1))
