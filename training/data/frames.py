"""Frames of a recording: a video, a picture, or a folder of pictures."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

import numpy as np

from duygu.shared.config.engine import decode_limits
from duygu.shared.config.settings import Settings
from duygu.shared.errors import UndecodablePictureError, UndecodableVideoError
from duygu.shared.model.recipe import Recipe
from duygu.shared.vision.decode.pictures.decoding import decode, to_frame
from duygu.shared.vision.decode.video import Video, detection_side
from duygu.shared.vision.types import Frame

PICTURES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}

VIDEOS = {
    *(".3g2", ".3gp", ".264", ".265", ".apng", ".asf", ".av1", ".avc", ".avi", ".dif", ".divx", ".dv", ".f4v", ".flv"),
    *(".gif", ".h261", ".h263", ".h264", ".h265", ".h26l", ".hevc", ".ism", ".ismv", ".ivf", ".m1v", ".m2p", ".m2t"),
    *(".m2ts", ".m2v", ".m4v", ".mj2", ".mjpeg", ".mjpg", ".mk3d", ".mkv", ".mod", ".mov", ".mp4", ".mpe", ".mpeg"),
    *(".mpg", ".mpv", ".mts", ".mxf", ".nut", ".obu", ".ogg", ".ogm", ".ogv", ".psp", ".qt", ".rm", ".rmvb", ".tod"),
    *(".ts", ".vc1", ".vob", ".webm", ".wmv", ".wtv", ".y4m"),
}
"""File name extensions, in lower case, of the containers in duygu.shared.vision.decode.child.FORMATS."""

RATE_HZ = 30.0
"""Frame rate of a sequence of pictures where the recipe has no rate of its own."""


class FrameSource(Protocol):
    """Frames of a recording in order, `interval_s` seconds apart where that is known."""

    interval_s: float | None

    def __iter__(self) -> Iterator[Frame]:
        """The frames in order."""
        ...


class PictureSequence:
    """One picture repeated for one clip, or the last pictures of a folder, one clip long.

    The last pictures are used because a sequence of pictures (CK+) ends at the apex of the labelled expression.
    """

    def __init__(self, path: Path, settings: Settings, recipe: Recipe) -> None:
        """Raises UndecodableVideoError when the folder holds no picture."""
        self._times = np.arange(recipe.frames) / (recipe.rate_hz or RATE_HZ)
        self.interval_s = float(self._times[1]) if recipe.frames > 1 else None
        self._min_face = settings.min_face
        found = sorted(path.iterdir()) if path.is_dir() else [path]
        self._pictures = [file for file in found if ends_with(file, PICTURES)][-recipe.frames :]
        if not self._pictures:
            raise UndecodableVideoError

    @property
    def still(self) -> bool:
        """Whether the sequence repeats a single picture."""
        return len(self._pictures) == 1

    def __iter__(self) -> Iterator[Frame]:
        """Raises UndecodableVideoError when a picture cannot be decoded."""
        try:
            decoded = [decode(path.read_bytes()) for path in self._pictures]
        except UndecodablePictureError as error:
            raise UndecodableVideoError from error
        shown = decoded * len(self._times) if self.still else decoded
        for index, (pixels, time_s) in enumerate(zip(shown, self._times.tolist(), strict=False)):
            yield to_frame(pixels, index, time_s, self._min_face)


def ends_with(path: Path, endings: set[str]) -> bool:
    """Whether a file name has one of these extensions, in lower or upper case; false for hidden files.

    macOS writes hidden files with the names of the videos and pictures beside them.
    """
    return path.suffix.lower() in endings and not path.name.startswith(".")


def open_recording(path: Path, settings: Settings, recipe: Recipe) -> AbstractContextManager[FrameSource]:
    """Open a recording for reading. Raises VideoError when no frame can be read."""
    if path.is_dir() or path.suffix.lower() in PICTURES:
        return nullcontext(PictureSequence(path, settings, recipe))
    return Video(path, decode_limits(settings), recipe.rate_hz, detection_side(settings.min_face))
