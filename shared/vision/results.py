"""Conversion of logits to probabilities, and of positions and windows to the result schema."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from duygu.shared.model.recipe import Recipe
from duygu.shared.schemas.emotions import OTHER
from duygu.shared.schemas.result import Flag, Pose, Position, Window
from duygu.shared.vision.types import Floats

DECIMALS_S, DECIMALS_BOX, DECIMALS_SCORE, DECIMALS_PROBABILITY = 3, 1, 3, 4
DECIMALS_MOVEMENT = DECIMALS_LOGIT = 3

PLEASANT, UNPLEASANT = "happiness", ("anger", "disgust", "fear", "sadness")
"""The labels that `valence` compares."""


POSITION_FIELDS = set(Position.model_fields)


@dataclass(frozen=True, slots=True)
class FacePosition:
    """Position of a face in one frame."""

    face_id: int
    time_s: float
    box: Floats  # (4,) x1, y1, x2, y2
    score: float
    pose: tuple[float, float, float] | None = None  # yaw, pitch, roll in degrees


@dataclass(frozen=True, slots=True)
class WindowLogits:
    """Logits of one clip."""

    face_id: int
    start_s: float
    end_s: float
    logits: Floats  # (labels,) of the recipe
    flags: tuple[Flag, ...]
    movements: Floats | None = None  # (offered movements,), mean over the clip
    speaking: float | None = None
    still: bool = False  # all crops of the clip are the same picture
    features: Floats | None = None  # as the layer for relative predictions reads them, if the engine keeps them
    relative: Floats | None = None  # (labels,) output of the layer for relative predictions, if the model has it
    second: Floats | None = None  # (n, G) features by the second trunk, if the engine keeps features


@dataclass(frozen=True, slots=True)
class Prediction:
    """Emotion and probabilities for a vector of logits."""

    emotion: str  # the most probable of `labels`, or OTHER if that label is not reported
    confidence: float
    probabilities: dict[str, float]  # of the reported labels, and of OTHER for the rest; the sum is 1
    uncertain: bool


@dataclass(frozen=True, slots=True)
class ResultConverter:
    """Converts logits and positions to the types of the schema.

    labels    labels in the softmax: all of the recipe's, or all except neutral
    reported  labels to report, None for all of `labels`; the others are summed as OTHER
    movements names of the movements in `WindowLogits.movements`
    """

    recipe: Recipe
    labels: tuple[str, ...]
    reported: tuple[str, ...] | None = None
    movements: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The keys of `probabilities`, in order."""
        if self.reported is None or set(self.labels) <= set(self.reported):
            return list(self.labels)
        return [*(label for label in self.labels if label in self.reported), OTHER]

    def probabilities(self, logits: Floats, temperature: float) -> dict[str, float]:
        """Softmax over `labels`, rounded to values that still sum to one."""
        return self._softmax(self.labels, logits, temperature)

    def prediction(
        self, logits: Floats, temperature: float, *, still: bool = False, uncertain_below: float | None = None
    ) -> Prediction:
        """Convert logits (labels,) of the recipe to a prediction.

        still            whether the threshold for repeated pictures applies
        uncertain_below  threshold in place of the recipe's

        `reported` changes neither the probabilities nor `uncertain`. The model's threshold is defined for probabilities
        over all labels of the recipe, so `uncertain` is computed from these, whatever `labels` is.
        """
        of_labels = self.probabilities(logits, temperature)
        strongest = max(of_labels, key=of_labels.__getitem__)
        of_all = self._softmax(self.recipe.labels, logits, temperature)
        probabilities = self._reported(of_labels)
        emotion = strongest if strongest in probabilities else OTHER
        threshold = self.recipe.threshold(still=still) if uncertain_below is None else uncertain_below
        uncertain = of_all[strongest] < threshold
        return Prediction(emotion, probabilities[emotion], probabilities, uncertain)

    def _reported(self, of_labels: dict[str, float]) -> dict[str, float]:
        rest = sum(value for label, value in of_labels.items() if label not in self.names)
        with_rest = {**of_labels, OTHER: round(rest, DECIMALS_PROBABILITY)}
        return {name: with_rest[name] for name in self.names}

    def _softmax(self, labels: tuple[str, ...], logits: Floats, temperature: float) -> dict[str, float]:
        chosen = [self.recipe.labels.index(label) for label in labels]
        scaled = logits[chosen].astype(np.float64) / temperature
        weights = np.exp(scaled - scaled.max())
        values = np.round(weights / weights.sum(), DECIMALS_PROBABILITY)
        values[values.argmax()] += 1 - values.sum()
        return dict(zip(labels, np.round(values, DECIMALS_PROBABILITY).tolist(), strict=True))

    def window(self, logits: WindowLogits) -> Window:
        """Convert the logits of a clip to a window of the schema."""
        prediction = self.prediction(logits.logits, self.recipe.temperature, still=logits.still)
        return Window(
            start_s=round(logits.start_s, DECIMALS_S),
            end_s=round(logits.end_s, DECIMALS_S),
            emotion=prediction.emotion,
            confidence=prediction.confidence,
            probabilities=prediction.probabilities,
            uncertain=prediction.uncertain,
            flags=list(logits.flags),
            relative_logits=relative_logits(logits),
            speaking=None if logits.speaking is None else round(logits.speaking, DECIMALS_MOVEMENT),
            **self._movements(logits),
        )

    def _movements(self, logits: WindowLogits) -> dict[str, Any]:
        """The fields of a window that exist where movements were measured."""
        if logits.movements is None:
            return {}
        values = np.round(np.clip(logits.movements, 0, 1).astype(np.float64), DECIMALS_MOVEMENT).tolist()
        of_labels = self._softmax(self.recipe.labels, logits.logits, self.recipe.temperature)
        return {"movements": dict(zip(self.movements, values, strict=True)), "valence": valence(of_labels)}

    def position(self, position: FacePosition) -> Position:
        """Convert a position of the engine to one of the schema."""
        left, top, right, bottom = (round(float(value), DECIMALS_BOX) for value in position.box)
        # Hours of video have 10^5 positions: they share their set of fields, and are not validated.
        return Position.model_construct(
            POSITION_FIELDS,
            time_s=round(position.time_s, DECIMALS_S),
            box=(left, top, round(right - left, DECIMALS_BOX), round(bottom - top, DECIMALS_BOX)),
            score=round(min(position.score, 1.0), DECIMALS_SCORE),
            pose=position.pose and _pose(position.pose),
        )


def _pose(angles: tuple[float, float, float]) -> Pose:
    yaw, pitch, roll = (round(angle, DECIMALS_BOX) for angle in angles)
    return Pose(yaw=yaw, pitch=pitch, roll=roll)


def relative_logits(window: WindowLogits) -> list[float] | None:
    """The output of the layer for relative predictions as the schema has it; None for a model without the layer."""
    return None if window.relative is None else np.round(window.relative.astype(np.float64), DECIMALS_LOGIT).tolist()


def valence(probabilities: Mapping[str, float]) -> float:
    """Probability of happiness less the highest one of anger, disgust, fear and sadness; 0 for a missing label."""
    unpleasant = max(probabilities.get(label, 0.0) for label in UNPLEASANT)
    return round(probabilities.get(PLEASANT, 0.0) - unpleasant, DECIMALS_PROBABILITY)
