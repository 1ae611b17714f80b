"""Conversion of logits to probabilities, and of positions and windows to the result schema."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from duygu.shared.model.recipe import Recipe
from duygu.shared.schemas import (
    OTHER,
    Face,
    Flag,
    ModelInfo,
    Position,
    Result,
    VideoInfo,
    Warning,  # noqa: A004 - the word of the contract
    Window,
)
from duygu.shared.vision.types import Floats

DECIMALS_S, DECIMALS_BOX, DECIMALS_SCORE, DECIMALS_PROBABILITY = 3, 1, 3, 4


@dataclass(frozen=True, slots=True)
class Seen:
    """Position of a face in one frame."""

    face_id: int
    time_s: float
    box: Floats  # (4,) x1, y1, x2, y2
    score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """Logits of one clip."""

    face_id: int
    start_s: float
    end_s: float
    logits: Floats  # (labels,) of the recipe
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """Emotion and probabilities for a vector of logits."""

    emotion: str  # the most probable of `labels`, or OTHER if that label is not reported
    confidence: float
    probabilities: dict[str, float]  # of the reported labels, and of OTHER for the rest; the sum is 1
    uncertain: bool


@dataclass(frozen=True, slots=True)
class Reader:
    """Converts logits and positions to the types of the schema.

    labels    labels in the softmax: all of the recipe's, or all except neutral
    reported  labels to report, None for all of `labels`; the others are summed as OTHER
    """

    recipe: Recipe
    labels: tuple[str, ...]
    reported: tuple[str, ...] | None = None

    @property
    def names(self) -> list[str]:
        """The keys of `probabilities`, in order."""
        if self.reported is None or set(self.labels) <= set(self.reported):
            return list(self.labels)
        return [*(label for label in self.labels if label in self.reported), OTHER]

    def probabilities(self, logits: Floats, temperature: float) -> dict[str, float]:
        """Softmax over `labels`, rounded to values that still sum to one."""
        return self._softmax(self.labels, logits, temperature)

    def read(self, logits: Floats, temperature: float) -> Reading:
        """Convert logits (labels,) of the recipe to a reading.

        `reported` changes neither the probabilities nor `uncertain`. The model's threshold is defined for probabilities
        over all labels of the recipe, so `uncertain` is computed from these, whatever `labels` is.
        """
        answered = self.probabilities(logits, temperature)
        strongest = max(answered, key=answered.__getitem__)
        of_all = self._softmax(self.recipe.labels, logits, temperature)
        probabilities = self._reported(answered)
        emotion = strongest if strongest in probabilities else OTHER
        uncertain = of_all[strongest] < self.recipe.uncertain_below
        return Reading(emotion, probabilities[emotion], probabilities, uncertain)

    def _reported(self, answered: dict[str, float]) -> dict[str, float]:
        rest = sum(value for label, value in answered.items() if label not in self.names)
        with_rest = {**answered, OTHER: round(rest, DECIMALS_PROBABILITY)}
        return {name: with_rest[name] for name in self.names}

    def _softmax(self, labels: tuple[str, ...], logits: Floats, temperature: float) -> dict[str, float]:
        chosen = [self.recipe.labels.index(label) for label in labels]
        scaled = logits[chosen].astype(np.float64) / temperature
        weights = np.exp(scaled - scaled.max())
        values = np.round(weights / weights.sum(), DECIMALS_PROBABILITY)
        values[values.argmax()] += 1 - values.sum()
        return dict(zip(labels, np.round(values, DECIMALS_PROBABILITY).tolist(), strict=True))

    def window(self, answer: Answer) -> Window:
        """Convert an answer to a window of the schema."""
        reading = self.read(answer.logits, self.recipe.temperature)
        return Window(
            start_s=round(answer.start_s, DECIMALS_S),
            end_s=round(answer.end_s, DECIMALS_S),
            emotion=reading.emotion,
            confidence=reading.confidence,
            probabilities=reading.probabilities,
            uncertain=reading.uncertain,
            flags=list(answer.flags),
        )

    def position(self, seen: Seen) -> Position:
        """Convert a sighting to a position of the schema."""
        left, top, right, bottom = (round(float(value), DECIMALS_BOX) for value in seen.box)
        return Position(
            time_s=round(seen.time_s, DECIMALS_S),
            box=(left, top, round(right - left, DECIMALS_BOX), round(bottom - top, DECIMALS_BOX)),
            score=round(min(seen.score, 1.0), DECIMALS_SCORE),
        )


@dataclass(slots=True)
class _FaceStory:
    seen: list[Seen] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)


class Timeline:
    """Collects the results of an analyzer for a whole video."""

    def __init__(self, reader: Reader) -> None:
        """Create an empty timeline."""
        self._reader = reader
        self._faces: dict[int, _FaceStory] = {}

    def add(self, seen: Iterable[Seen], answers: Iterable[Answer]) -> None:
        """Add the results of one step."""
        for sighting in seen:
            self._faces.setdefault(sighting.face_id, _FaceStory()).seen.append(sighting)
        for answer in answers:
            self._faces.setdefault(answer.face_id, _FaceStory()).answers.append(answer)

    def result(self, job_id: str | None, model: ModelInfo, video: VideoInfo, warnings: list[Warning]) -> Result:
        """Build the result, with the faces in the order of their ids."""
        faces = [self._face(face_id, story) for face_id, story in sorted(self._faces.items())]
        return Result(job_id=job_id, model=model, video=video, faces=faces, warnings=warnings)

    def _face(self, face_id: int, story: _FaceStory) -> Face:
        logits = np.mean([answer.logits for answer in story.answers], axis=0)
        reading = self._reader.read(logits, self._reader.recipe.track_temperature)
        positions = sorted(map(self._reader.position, story.seen), key=lambda position: position.time_s)
        windows = sorted(map(self._reader.window, story.answers), key=lambda window: window.start_s)
        return Face(
            face_id=face_id,
            start_s=positions[0].time_s,
            end_s=positions[-1].time_s,
            emotion=reading.emotion,
            confidence=reading.confidence,
            probabilities=reading.probabilities,
            windows=windows,
            positions=positions,
        )
