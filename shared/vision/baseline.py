"""Baselines: the windows that show each person's resting face, and the predictions relative to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from duygu.shared.baselines.predictions import mean_logits, with_predictions
from duygu.shared.baselines.windows import (
    BORDER_S,
    EXPRESSIVE,
    NO_FACE,
    SPEAKING,
    TOO_SHORT,
    baseline_warning,
    is_speaking,
    windows_within,
)
from duygu.shared.errors import BaselineNoFaceError, BaselineTooShortError, BaselineUnsupportedError
from duygu.shared.model.recipe import Recipe
from duygu.shared.schemas.emotions import NEUTRAL
from duygu.shared.schemas.model import RelativeModel
from duygu.shared.schemas.options import AUTO, AnalysisOptions, joined_spans
from duygu.shared.schemas.result import Baseline, Face, Result, Warning  # noqa: A004
from duygu.shared.vision.classify.relative import softmax
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.results import DECIMALS_S, ResultConverter, WindowLogits, relative_logits
from duygu.shared.vision.timeline import Timeline
from duygu.shared.vision.types import Floats

STRETCH = 4
"""Consecutive windows in a stretch of an automatic baseline, 2.4 s; the fewest of such a baseline."""

MOST_STRETCHES = 5
"""Maximum number of stretches of an automatic baseline."""

SHARE = 3
"""An automatic baseline has at most one in so many of a face's windows, but at least one stretch."""


@dataclass(frozen=True, slots=True)
class FaceBaseline:
    """The windows of one face's baseline."""

    source: Literal["span", "auto"]
    windows: Sequence[WindowLogits]

    @property
    def features(self) -> Floats:
        """(M, 2 F) features of the windows."""
        return _features(self.windows)

    @property
    def mean_logits(self) -> list[float]:
        """(labels,) mean output of the layer for relative predictions over the windows."""
        return mean_logits([row for window in self.windows if (row := relative_logits(window)) is not None])

    def described(self) -> Baseline:
        """The baseline as the schema has it."""
        spans = joined_spans((round(w.start_s, DECIMALS_S), round(w.end_s, DECIMALS_S)) for w in self.windows)
        return Baseline(source=self.source, spans=spans, windows=len(self.windows))

    def speaks(self) -> bool:
        """Whether the person speaks in most of the baseline; False where speaking was not measured."""
        return is_speaking(window.speaking for window in self.windows)

    def is_expressive(self, recipe: Recipe) -> bool:
        """Whether most windows show, without a baseline, emotions that are not uncertain, equal or different ones."""
        return 2 * sum(_is_expressive(window, recipe) for window in self.windows) > len(self.windows)


def _is_expressive(window: WindowLogits, recipe: Recipe) -> bool:
    probabilities = softmax(window.logits / recipe.temperature)
    emotion = recipe.labels[int(probabilities.argmax())]
    return emotion != NEUTRAL and bool(probabilities.max() >= recipe.threshold(still=window.still))


def require_relative(engine: Engine) -> RelativeModel:
    """The layer for relative predictions. Raises BaselineUnsupportedError for an engine without it."""
    if engine.relative is None or engine.model.relative is None:
        raise BaselineUnsupportedError(
            f"model {engine.model.name} {engine.model.version} with the engine {engine.kind} has no predictions "
            "relative to a baseline"
        )
    return engine.model.relative


def with_baselines(
    result: Result, timeline: Timeline, layer: RelativeModel, converter: ResultConverter, options: AnalysisOptions
) -> Result:
    """Add the baseline of each face, the relative predictions of its windows, and warnings.

    timeline  of which `result` was made

    Raises BaselineTooShortError or BaselineNoFaceError if no face has a baseline.
    """
    found = {
        face.face_id: _baseline_of(timeline.windows(face.face_id), converter.recipe, options) for face in result.faces
    }
    baselines = {face_id: baseline for face_id, baseline in found.items() if baseline.windows}
    warnings = _missing(result, set(found) - set(baselines), options) + _doubtful(baselines, converter.recipe)
    faces = [
        _with_relative(face, baselines[face.face_id], layer, converter) if face.face_id in baselines else face
        for face in result.faces
    ]
    return result.model_copy(update={"faces": faces, "warnings": [*result.warnings, *warnings]})


def _baseline_of(windows: Sequence[WindowLogits], recipe: Recipe, options: AnalysisOptions) -> FaceBaseline:
    """The baseline of a face, without windows if none is usable."""
    if options.baseline == AUTO:
        return FaceBaseline("auto", _comparable(calm_windows(windows, recipe)))
    return FaceBaseline("span", _comparable(windows_within(windows, options.baseline_spans)))


def _comparable(windows: Sequence[WindowLogits]) -> list[WindowLogits]:
    """The windows with an output of the layer for relative predictions."""
    return [window for window in windows if window.relative is not None]


def calm_windows(windows: Sequence[WindowLogits], recipe: Recipe) -> list[WindowLogits]:
    """The calm, well-seen part of a face's track; empty where no stretch of it is well seen.

    Stretches of consecutive windows without flags are compared by their mean probability of neutral, less the mean
    change between neighbours (total variation of the probabilities). The best stretches are taken.
    """
    stretches = [windows[start : start + STRETCH] for start in range(len(windows) - STRETCH + 1)]
    calmness = {start: _calmness(part, recipe) for start, part in enumerate(stretches) if _is_well_seen(part)}
    wanted = min(MOST_STRETCHES, max(1, len(windows) // (SHARE * STRETCH)))
    chosen: list[int] = []
    for start in sorted(calmness, key=lambda one: -calmness[one]):
        if len(chosen) < wanted and all(abs(start - other) >= STRETCH for other in chosen):
            chosen.append(start)
    return [window for start in sorted(chosen) for window in stretches[start]]


def _is_well_seen(windows: Sequence[WindowLogits]) -> bool:
    """Whether no window has a flag, and each starts at most a crop after the end of the previous one."""
    return not any(window.flags for window in windows) and all(
        later.start_s <= earlier.end_s + 3 * BORDER_S for earlier, later in pairwise(windows)
    )


def _calmness(windows: Sequence[WindowLogits], recipe: Recipe) -> float:
    logits = np.stack([window.logits for window in windows])
    probabilities = softmax(logits / recipe.temperature)
    neutral = probabilities[:, recipe.labels.index(NEUTRAL)].mean() if NEUTRAL in recipe.labels else 0.0
    return float(neutral - np.abs(np.diff(probabilities, axis=0)).sum(axis=1).mean() / 2)


def _with_relative(face: Face, baseline: FaceBaseline, layer: RelativeModel, converter: ResultConverter) -> Face:
    windows = with_predictions(face.windows, baseline.mean_logits, layer, converter.names)
    return face.model_copy(update={"baseline": baseline.described(), "windows": windows})


def _features(windows: Sequence[WindowLogits]) -> Floats:
    return np.stack([window.features for window in windows if window.features is not None])


def _missing(result: Result, without: set[int], options: AnalysisOptions) -> list[Warning]:
    """Warnings about faces without a baseline. Raises the error if no face has one."""
    short = sorted(without & {face.face_id for face in result.faces if _is_seen(face, options)})
    unseen = sorted(without - set(short))
    if len(without) == len(result.faces) and (short or options.baseline != AUTO):
        raise (
            BaselineTooShortError(_short(options))
            if short
            else BaselineNoFaceError(f"no face is visible in the baseline {options.baseline}")
        )
    return [
        *([baseline_warning(TOO_SHORT, short, _short(options))] if short else []),
        *([baseline_warning(NO_FACE, unseen, f"not visible in the baseline {options.baseline}")] if unseen else []),
    ]


def _is_seen(face: Face, options: AnalysisOptions) -> bool:
    """Whether a face is visible in the part from which its baseline is taken."""
    spans = options.baseline_spans
    return options.baseline == AUTO or any(
        start <= position.time_s <= end for position in face.positions for start, end in spans
    )


def _short(options: AnalysisOptions) -> str:
    if options.baseline == AUTO:
        return f"no {STRETCH} consecutive windows are without flags"
    return f"no window of ten frames without a gap is inside the baseline {options.baseline}"


def _doubtful(baselines: dict[int, FaceBaseline], recipe: Recipe) -> list[Warning]:
    """Warnings about baselines that may not be resting faces."""
    doubts = {
        SPEAKING: [face_id for face_id, baseline in baselines.items() if baseline.speaks()],
        EXPRESSIVE: [face_id for face_id, baseline in baselines.items() if baseline.is_expressive(recipe)],
    }
    return [baseline_warning(code, face_ids) for code, face_ids in doubts.items() if face_ids]
