"""How a clip is made: the one description that training and serving both read.

A recipe travels inside the model file (ONNX metadata, an attribute of the .h5), so the two cannot differ.
"""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from duygu.shared.errors import ModelError
from duygu.shared.schemas import EMOTIONS

Normalisation = Literal["dataset", "clip", "frame"]
Alignment = Literal["box", "eyes"]


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything between an upright frame with a box and the network's input, and from its logits to probabilities.

    A clip is `frames` crops of `size` x `size` grey pixels, (frames, size, size, 1) float32 after normalisation.
    """

    name: str
    size: int
    frames: int = 10
    rate_hz: float | None = 10.0
    """Crops a second of presentation time; None takes every frame of the video, one after the other."""
    stride: int = 5
    """Samples from the start of one clip to the start of the next."""
    margin: float = 0.0
    """Crop side = longer side of the box x (1 + margin)."""
    align: Alignment = "box"
    """`eyes` turns the crop about the box's centre until the eyes are level."""
    normalisation: Normalisation = "clip"
    """(pixels - mean) / deviation, over the training set, each clip, or each frame."""
    mean: float = 0.0
    """Grey level 0..255 subtracted by `dataset`; unused otherwise."""
    deviation: float = 1.0
    labels: tuple[str, ...] = EMOTIONS
    temperature: float = 1.0
    """Logits of one window are divided by this before the softmax (Guo et al. 2017, temperature scaling)."""
    track_temperature: float = 1.0
    """The same for the mean logits of a whole face track."""
    uncertain_below: float = 0.5
    """Confidence below which a window is marked `uncertain`."""

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
            (not set(self.labels) <= set(EMOTIONS), f"labels {', '.join(self.labels)} include an unknown emotion"),
            (len(set(self.labels)) < len(self.labels), f"labels {', '.join(self.labels)} repeat an emotion"),
        ]
        for violated, problem in problems:
            if violated:
                raise ModelError(f"invalid recipe: {problem}")

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """(frames, size, size, 1): one clip as the network sees it."""
        return (self.frames, self.size, self.size, 1)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "labels": list(self.labels)}

    def to_json(self) -> str:
        """As it is written into a model file."""
        return json.dumps(self.to_dict(), sort_keys=True)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Recipe":
        """The opposite of `to_dict`. Raises ModelError for a recipe that this version cannot follow."""
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise ModelError(f"invalid recipe: unknown settings {', '.join(sorted(unknown))}")
        try:
            return READER.validate_python(values)
        except ValidationError as error:
            raise ModelError(f"invalid recipe: {explain(error)}") from error

    @classmethod
    def from_json(cls, text: str) -> "Recipe":
        """Read what `to_json` wrote. Raises ModelError when it is something else."""
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise ModelError(f"the recipe is not JSON: {error}") from error
        if not isinstance(values, dict):
            raise ModelError(f"the recipe is a JSON {type(values).__name__}, not an object")
        return cls.from_dict(values)


READER = TypeAdapter(Recipe)


def explain(error: ValidationError) -> str:
    """Each setting that is wrong, with what it should be."""
    return "; ".join(f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}" for wrong in error.errors())
