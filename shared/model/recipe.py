"""The recipe: how clips are built from a video. Training and serving read the same description.

The recipe is stored inside the model file (ONNX metadata, an attribute of the .h5), so that the two cannot differ.
"""

import json
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from duygu.shared.errors import ModelError
from duygu.shared.schemas.emotions import EMOTIONS

Normalisation = Literal["dataset", "clip", "frame"]
Alignment = Literal["box", "eyes"]


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class Recipe:
    """All settings from an upright frame with a box to the network's input, and from its logits to probabilities.

    A clip is `frames` crops of `size` x `size` grey pixels, (frames, size, size, 1) float32 after normalisation.
    """

    name: str
    size: int
    frames: int = 10
    rate_hz: float | None = 10.0
    """Crops per second of presentation time; None uses every frame of the video."""
    stride: int = 5
    """Samples between the starts of two consecutive clips."""
    margin: float = 0.0
    """Crop side = longer side of the box x (1 + margin)."""
    align: Alignment = "box"
    """`eyes` rotates the crop about the centre of the box until the eyes are level."""
    normalisation: Normalisation = "clip"
    """Statistics of (pixels - mean) / deviation: of the training set, of each clip, or of each frame."""
    mean: float = 0.0
    """Grey level 0..255 that `dataset` subtracts; unused otherwise."""
    deviation: float = 1.0
    labels: tuple[str, ...] = EMOTIONS
    temperature: float = 1.0
    """The logits of a window are divided by this before the softmax (temperature scaling, Guo et al. 2017)."""
    track_temperature: float = 1.0
    """The temperature for the mean logits of a whole face track."""
    uncertain_below: float = 0.5
    """Windows whose confidence is below this are marked `uncertain`."""
    certain_means: float | None = None
    """Share of the windows not marked `uncertain` that were right on the calibration data, cross-validated over people;
    None where it is unknown."""
    still_uncertain_below: float | None = None
    """The threshold for windows that repeat one picture; None: `uncertain_below`."""
    still_certain_means: float | None = None
    """`certain_means` for windows that repeat one picture."""

    def __post_init__(self) -> None:
        problems = [
            (self.size < 8, f"size {self.size} is below the minimum of 8"),
            (self.frames < 1, f"frames {self.frames} is below the minimum of 1"),
            (self.rate_hz is not None and self.rate_hz <= 0, f"rate_hz {self.rate_hz} is not above 0"),
            (self.stride < 1, f"stride {self.stride} is below the minimum of 1"),
            (self.deviation <= 0, f"deviation {self.deviation} is not above 0"),
            (self.temperature <= 0, f"temperature {self.temperature} is not above 0"),
            (self.track_temperature <= 0, f"track_temperature {self.track_temperature} is not above 0"),
            (not 0 <= self.uncertain_below <= 1, f"uncertain_below {self.uncertain_below} is outside 0 to 1"),
            *(
                (not 0 <= share <= 1, f"{name} {share} is outside 0 to 1")
                for name, share in self._optional_shares()
                if share is not None
            ),
            (not set(self.labels) <= set(EMOTIONS), f"labels {', '.join(self.labels)} include an unknown emotion"),
            (len(set(self.labels)) < len(self.labels), f"labels {', '.join(self.labels)} repeat an emotion"),
        ]
        for violated, problem in problems:
            if violated:
                raise ModelError(f"invalid recipe: {problem}")

    def _optional_shares(self) -> tuple[tuple[str, float | None], ...]:
        return (
            ("certain_means", self.certain_means),
            ("still_uncertain_below", self.still_uncertain_below),
            ("still_certain_means", self.still_certain_means),
        )

    def threshold(self, *, still: bool) -> float:
        """Return the confidence below which a window is uncertain."""
        if still and self.still_uncertain_below is not None:
            return self.still_uncertain_below
        return self.uncertain_below

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """Shape of one clip at the network's input: (frames, size, size, 1)."""
        return (self.frames, self.size, self.size, 1)

    def with_threshold(self, uncertain_below: float) -> "Recipe":
        """The recipe with another threshold of `uncertain`, which promises nothing about the windows above it."""
        return replace(
            self,
            uncertain_below=uncertain_below,
            certain_means=None,
            still_uncertain_below=None,
            still_certain_means=None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain JSON values."""
        return {**asdict(self), "labels": list(self.labels)}

    def to_json(self) -> str:
        """Return the recipe as JSON, in the form that a model file stores."""
        return _json(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Recipe":
        """Build a recipe from the values of `to_dict`. Raises ModelError for a recipe that is not supported."""
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise ModelError(f"invalid recipe: unknown settings {', '.join(sorted(unknown))}")
        try:
            return READER.validate_python(values)
        except ValidationError as error:
            raise ModelError(f"invalid recipe: {explain(error)}") from error

    @classmethod
    def from_json(cls, text: str) -> "Recipe":
        """Parse the output of `to_json`. Raises ModelError when the text is not a valid recipe."""
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise ModelError(f"the recipe is not JSON: {error}") from error
        if not isinstance(values, dict):
            raise ModelError(f"the recipe is a JSON {type(values).__name__}, not an object")
        return cls.from_dict(values)


READER = TypeAdapter(Recipe)


@lru_cache(maxsize=16)
def _json(recipe: Recipe) -> str:
    """The recipe as JSON; every saved state of a live session contains it."""
    return json.dumps(recipe.to_dict(), sort_keys=True)


def explain(error: ValidationError) -> str:
    """List each invalid setting with the problem."""
    problems = [
        ": ".join(filter(None, (".".join(map(str, wrong["loc"])), wrong["msg"].removeprefix("Value error, "))))
        for wrong in error.errors()
    ]
    return "; ".join(problems)
