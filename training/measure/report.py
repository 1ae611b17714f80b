"""What was measured, as one page with pictures that needs nothing beside itself."""

import io
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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


def write_report(path: Path, name: str, report: dict[str, Any]) -> None:
    """One section for each protocol."""
    body = figures_table(report) + "".join(_section(key, values) for key, values in report.items())
    path.write_text(PAGE.format(title=f"What {escape(name)} is measured to do", body=body), encoding="utf-8")


def figures_table(report: dict[str, Any]) -> str:
    """The figures of all protocols."""
    rows = []
    for key, values in report.items():
        figures, (low, high) = values["figures"], values["interval"]
        rows.append(
            f"<tr><td>{escape(key)}<td>{values['count']}<td>{figures['accuracy']:.1%}<td>{low:.1%} to {high:.1%}"
            f"<td>{figures['uar']:.1%}<td>{figures['ece']:.3f}"
        )
    head = "<tr><th>protocol<th>answers<th>accuracy<th>95 % interval<th>UAR<th>ECE"
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
    axes.set(title="Confusion", xlabel="answer", ylabel="truth")


def _reliability(axes: Axes, values: dict[str, Any]) -> None:
    counts, confidence, accuracy = np.array(values["reliability"], float).T
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    axes.scatter(confidence, accuracy, s=10 + 200 * counts / counts.max())
    axes.set(title="Reliability", xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))


def _risk(axes: Axes, values: dict[str, Any]) -> None:
    axes.plot(values["coverage"], values["risk"])
    axes.set(title="Risk against coverage", xlabel="share answered", ylabel="share wrong", xlim=(0, 1), ylim=(0, None))


def _recalls(axes: Axes, values: dict[str, Any]) -> None:
    axes.barh(list(values["recalls"]), list(values["recalls"].values()))
    axes.set(title="Recall of each label", xlim=(0, 1))


def _subjects(axes: Axes, values: dict[str, Any]) -> None:
    if not values["subjects"]:
        axes.set_axis_off()
        return
    low, high = values["interval"]
    axes.axvspan(low, high, alpha=0.2)
    axes.axvline(values["figures"]["accuracy"])
    axes.barh(list(values["subjects"]), list(values["subjects"].values()))
    axes.set(title="Accuracy for each person, with the interval of the mean", xlim=(0, 1))
