"""Options of the engine, of one analysis, and of the decoding process, as frozen values."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from duygu.shared.schemas.options import AnalysisOptions

__all__ = ["MAX_FACES", "MIN_FACE", "AnalysisOptions", "DecodeLimits", "EngineKind", "EngineOptions"]

EngineKind = Literal["onnx", "reference"]

MIN_FACE = 0.06
"""Default minimum size of a detected face, as a share of the shorter side of the frame."""

MAX_FACES = 32
"""Default maximum number of faces tracked at the same time."""


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Limits of the processes that decode one file."""

    max_pixels: int
    """Maximum number of pixels in a frame."""

    max_duration_s: float
    """Maximum length, in seconds of presentation time."""

    memory_bytes: int
    """Maximum address space of the process, besides the memory that it shares with the engine."""

    cpu_s: int
    """Maximum CPU time of the process, in seconds."""

    threads: int = 0
    """Threads of the codec. 0: one for an easy video, else one per CPU core."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """The models that an engine loads, and its defaults for every analysis."""

    model: Path
    """Model folder, as written by `python -m training.export`."""

    mtcnn: Path
    """Folder with the three networks of the face detector."""

    movements: Path | None = None
    """Folder of the movement network, as written by `python -m training.movements`; None or a missing folder: no
    movements."""

    kind: EngineKind = "onnx"
    """`onnx`: ONNX Runtime; `reference`: facenet-pytorch and the Keras model."""

    neutral: Literal["on", "off"] = "on"
    """`off` reports the emotions without neutral."""

    min_face: float = MIN_FACE
    """Minimum size of a detected face, as a share of the shorter side of the frame."""

    max_faces: int = MAX_FACES
    """Maximum number of faces tracked at the same time."""

    threads: int = 0
    """Threads of the classifier. 0: one per CPU core."""

    uncertain_below: float | None = None
    """Confidence below which a window is uncertain; None: the threshold of the model."""
