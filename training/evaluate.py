"""Measures a trained network: `python -m training.evaluate RUN --recipe e3d48 --stills FILE --clips FILE`.

Writes measured.json, which `duygu.training.export` puts into the model folder, and report.html with pictures.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from duygu.shared.errors import ConfigurationError
from duygu.shared.model.folder import H5
from duygu.training.command import run as run_command
from duygu.training.command import tell
from duygu.training.data.clipset import INPUT, differing, load_clips
from duygu.training.data.stills import Stills
from duygu.training.measure import metrics
from duygu.training.measure.metrics import Answers
from duygu.training.measure.protocols import leaky, leave_each_out, moving_stills, strict_stills, untrained
from duygu.training.measure.report import write_report
from duygu.training.network import keras_file as model_file
from duygu.training.settings import TrainingRecipe, load_recipe
from duygu.training.train import MEASURED, REPORT, before_clips

STILLS, MOVING_STILLS = "ferplus_strict", "ferplus_strict_moving"
UNTRAINED, HONEST, LEAKY = "untrained", "leave_one_actor_out", "leaky"
"""The protocols. The last three follow the name of the file of clips, as in javanese_leave_one_actor_out."""

DRAWN = 200
"""Points of the line of risk against coverage, its two ends among them."""

LEAST_UNTRAINED, LEAST_HONEST = 2, 4
"""People without whom a protocol has nobody to fit a temperature on, or nobody to train."""


def judge(
    run: Path, recipe: TrainingRecipe, *, stills: Path | None, clips: Path | None, with_leaky: bool
) -> Iterator[tuple[str, Answers]]:
    """Every protocol that there is data for, by its name."""
    inflated = recipe.network == "inflated"
    if stills and inflated:
        network, labelled = model_file.load(run / H5), Stills(stills)
        yield STILLS, strict_stills(network, labelled)
        yield MOVING_STILLS, moving_stills(network, labelled)
    if clips is None:
        return
    known = load_clips(clips, recipe.clip)
    people = len(np.unique(known.subjects))
    start = before_clips(run) if inflated else None
    if start:
        if others := differing(start.recipe, recipe.clip, INPUT):
            raise ConfigurationError(f"the network in {run} takes clips with {others}")
        model_file.require_strangers(start.people, known.subjects)
        if people < LEAST_UNTRAINED:
            tell(f"one person alone: {UNTRAINED} is left out, for its temperature is fitted on others")
        else:
            yield f"{clips.stem}_{UNTRAINED}", untrained(start, known)
    if recipe.clips and people < LEAST_HONEST:
        tell(f"{people} people: {HONEST} is left out, for it takes {LEAST_HONEST}")
    elif recipe.clips:
        yield f"{clips.stem}_{HONEST}", leave_each_out(recipe, start, known, run / HONEST)
        if with_leaky:
            yield f"{clips.stem}_{LEAKY}", leaky(recipe, start, known, run / LEAKY)


def summary(answers: Answers) -> dict[str, Any]:
    """Everything that is measured, as plain JSON values."""
    coverage, risk = metrics.risk_by_coverage(answers)
    kept = np.unique(np.linspace(0, len(coverage) - 1, DRAWN).astype(int))
    return {
        "count": len(answers.truth),
        "figures": metrics.measured(answers).model_dump(),
        "interval": metrics.interval(answers),
        "labels": list(answers.labels),
        "recalls": metrics.recalls(answers),
        "confusion": metrics.confusion(answers).tolist(),
        "reliability": [[found.count, found.confidence, found.accuracy] for found in metrics.reliability(answers)],
        "coverage": coverage[kept].tolist(),
        "risk": risk[kept].tolist(),
        "subjects": metrics.by_subject(answers) if len(set(answers.subjects)) < len(answers.subjects) else {},
    }


def evaluate(run: Path, recipe: TrainingRecipe, **data: Any) -> dict[str, Any]:
    """Measure, and write both files."""
    report = {name: summary(answers) for name, answers in judge(run, recipe, **data)}
    write_both(run, recipe.clip.name, report)
    return report


def write_both(folder: Path, name: str, report: dict[str, Any]) -> None:
    """What was measured, for programs and for people."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MEASURED).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    write_report(folder / REPORT, name, report)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("run", type=Path, help="folder that `duygu.training.train` wrote")
    parser.add_argument("--recipe", default="e3d48", help="name, or path of a TOML file")
    parser.add_argument("--stills", type=Path, help="stills48.npz")
    parser.add_argument("--clips", type=Path, help="file that `duygu.training.prepare` wrote")
    parser.add_argument("--leaky", action="store_true", help="also split at random, to show what that would claim")
    arguments = parser.parse_args()
    recipe = load_recipe(arguments.recipe)
    data = {"stills": arguments.stills, "clips": arguments.clips, "with_leaky": arguments.leaky}
    for name, values in evaluate(arguments.run, recipe, **data).items():
        print(name, json.dumps(values["figures"]))  # noqa: T201 - what the command answers


if __name__ == "__main__":
    run_command(main)
