"""The resting face of a live session: taken from the span that the options name, accepted or refused at its end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import starmap
from typing import Any

import numpy as np

from duygu.shared.baselines.predictions import with_predictions
from duygu.shared.baselines.windows import BORDER_S, EXPRESSIVE, SPEAKS, baseline_warning, windows_within
from duygu.shared.errors import (
    BaselineError,
    BaselineNoFaceError,
    BaselineSeveralFacesError,
    BaselineSpeakingError,
    BaselineTooShortError,
    BaselineUnsupportedError,
)
from duygu.shared.model.recipe import Recipe
from duygu.shared.schemas.emotions import NEUTRAL
from duygu.shared.schemas.model import RelativeModel
from duygu.shared.schemas.options import baseline_spans, joined_spans
from duygu.shared.schemas.result import Baseline, Warning, Window  # noqa: A004
from duygu.shared.vision.classify.relative import softmax
from duygu.shared.vision.results import DECIMALS_S, WindowLogits, relative_logits
from duygu.shared.vision.types import Floats

Spans = list[tuple[float, float]]


@dataclass(slots=True)
class Taken:
    """Sums over the windows of a face inside the spans; a session may last for hours."""

    windows: int = 0
    spans: Spans = field(default_factory=list)
    relative: list[float] = field(default_factory=list)  # sum of the outputs of the layer
    logits: list[float] = field(default_factory=list)  # sum
    speaking: float = 0.0  # sum
    heard: int = 0  # windows in which speaking was measured

    def add(self, window: WindowLogits) -> None:
        """Add a window."""
        self.windows += 1
        span = round(window.start_s, DECIMALS_S), round(window.end_s, DECIMALS_S)
        self.spans = joined_spans([*starmap(_pair, self.spans), span])
        self.relative = _sums(self.relative, relative_logits(window) or [])
        self.logits = _sums(self.logits, window.logits.tolist())
        if window.speaking is not None:
            self.speaking, self.heard = self.speaking + window.speaking, self.heard + 1

    @property
    def speaks(self) -> bool:
        """Whether the person speaks in most of the windows."""
        return self.heard > 0 and self.speaking / self.heard >= SPEAKS

    @property
    def mean(self) -> list[float]:
        """(labels,) mean output of the layer for relative predictions."""
        return [value / self.windows for value in self.relative]

    def is_expressive(self, recipe: Recipe) -> bool:
        """Whether the prediction without a baseline is an emotion that is not uncertain."""
        probabilities = softmax(_array(self.logits, self.windows * recipe.temperature))
        emotion = recipe.labels[int(probabilities.argmax())]
        return emotion != NEUTRAL and bool(probabilities.max() >= recipe.uncertain_below)

    def described(self) -> Baseline:
        """The baseline as the schema has it."""
        return Baseline(source="span", spans=self.spans, windows=self.windows)


@dataclass(slots=True)
class LiveBaseline:
    """The resting face that the options of a session request.

    requested  as in the options; None for none
    taken      by the ids of the faces that were visible in the spans
    face_id    whose resting face was accepted; None before, and after a refusal
    is_open    whether the end of the spans has not been reached
    """

    requested: str | None = None
    taken: dict[int, Taken] = field(default_factory=dict)
    face_id: int | None = None
    is_open: bool = False

    @property
    def spans(self) -> Spans:
        """Starts and ends in seconds."""
        return baseline_spans(self.requested)

    def is_measuring(self, time_s: float) -> bool:
        """Whether a frame at this time lies in the spans, so that speaking is measured."""
        return self.is_open and any(start_s - BORDER_S <= time_s <= end_s + BORDER_S for start_s, end_s in self.spans)

    def add(self, seen: Iterable[tuple[int, float]], windows: Sequence[WindowLogits]) -> None:
        """Add ids and times of visible faces, and new windows."""
        if not self.is_open:
            return
        spans = self.spans
        for face_id, time_s in seen:
            if any(start_s <= time_s <= end_s for start_s, end_s in spans):
                self.taken.setdefault(face_id, Taken())
        for window in windows_within(windows, spans):
            if window.face_id in self.taken and window.relative is not None:
                self.taken[window.face_id].add(window)

    def conclude(self, time_s: float, recipe: Recipe, layer: RelativeModel | None) -> list[Warning]:
        """Accept the resting face once a frame lies behind the spans; warnings about it. Raises a BaselineError."""
        if not self.is_open or time_s <= self.spans[-1][1] + BORDER_S:
            return []
        self.is_open = False
        try:
            self.face_id = self._accepted(layer)
        except BaselineError:
            self.taken = {}
            raise
        taken = self.taken[self.face_id]
        return [baseline_warning(EXPRESSIVE, [self.face_id])] if taken.is_expressive(recipe) else []

    def _accepted(self, layer: RelativeModel | None) -> int:
        """The face whose resting face was taken. Raises a BaselineError."""
        if layer is None:
            raise BaselineUnsupportedError("the model of the worker has no predictions relative to a baseline")
        if not self.taken:
            raise BaselineNoFaceError(f"no face was visible in {self.requested} s of the session, after the request")
        if len(self.taken) > 1:
            faces = ", ".join(map(str, sorted(self.taken)))
            raise BaselineSeveralFacesError(f"faces {faces} were visible in {self.requested} s; one is required")
        ((face_id, taken),) = self.taken.items()
        if not taken.windows:
            raise BaselineTooShortError(
                f"no window of ten frames without a gap is inside {self.requested} s of face {face_id}"
            )
        if taken.speaks:
            raise BaselineSpeakingError(f"face {face_id} speaks in most of {self.requested} s")
        return face_id

    def of(self, face_id: int) -> Baseline | None:
        """The baseline of a face; None where it has none."""
        return self.taken[face_id].described() if face_id == self.face_id else None

    def with_predictions(self, face_id: int, window: Window, layer: RelativeModel | None, labels: list[str]) -> Window:
        """The window with its prediction relative to the baseline, if the face has one."""
        if layer is None or face_id != self.face_id:
            return window
        (predicted,) = with_predictions([window], self.taken[face_id].mean, layer, labels)
        return predicted

    def save(self) -> dict[str, Any]:
        """The state as plain values."""
        taken = {
            face_id: [one.windows, one.spans, one.relative, one.logits, one.speaking, one.heard]
            for face_id, one in self.taken.items()
        }
        return {"requested": self.requested, "taken": taken, "face_id": self.face_id, "is_open": self.is_open}

    @classmethod
    def load(cls, saved: dict[str, Any]) -> "LiveBaseline":
        """The state as it was saved."""
        taken = {int(face_id): Taken(*values) for face_id, values in saved["taken"].items()}
        return cls(saved["requested"], taken, saved["face_id"], saved["is_open"])


def _pair(start_s: float, end_s: float) -> tuple[float, float]:
    return start_s, end_s


def _sums(sums: list[float], values: list[float]) -> list[float]:
    return [one + other for one, other in zip(sums, values, strict=True)] if sums else values


def _array(sums: list[float], divisor: float) -> Floats:
    return np.asarray(np.array(sums) / divisor, np.float32)
