"""Frames of the videos of a study for its report, with or without covered faces."""

import logging
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from duygu.shared.annotated.face_areas import SMALLEST
from duygu.shared.annotated.face_cover import FaceCover
from duygu.shared.config.engine import decode_limits, detector_of
from duygu.shared.config.settings import Settings
from duygu.shared.errors import VideoError
from duygu.shared.vision.decode.video import Video
from duygu.shared.vision.types import Image
from duygu.shared.workbench.studies.strips import Reel, Strip

logger = logging.getLogger(__name__)

WIDTH = 200
"""Width of a frame in the report, in pixels."""

QUALITY = 72
"""JPEG quality: about 7 kilobytes a frame."""

COVERED_SIDE = 720
"""Longest shorter side in which faces are searched; a face that is too small there is lost in `WIDTH`."""


class Faces(StrEnum):
    """What a report shows of the faces in its frames."""

    SHOWN = "shown"
    COVERED = "covered"
    NONE = "none"
    """No frames at all."""


def strips(found: Sequence[Reel], settings: Settings, faces: Faces) -> list[Strip]:
    """The frames of each reel whose video can be read. Raises ModelError where faces are to be covered."""
    if faces == Faces.NONE:
        return []
    cover = partial(FaceCover(detector_of(settings)).hide, smallest=SMALLEST) if faces == Faces.COVERED else None
    made = (_strip(reel, settings, cover) for reel in found if reel.video.is_file())
    return [strip for strip in made if any(jpeg for _, jpeg in strip.frames)]


def _strip(reel: Reel, settings: Settings, cover: Callable[[Image], None] | None) -> Strip:
    frames = [
        (time_s, None if at_s is None else _jpeg(reel.video, at_s, settings, cover)) for time_s, at_s in reel.times
    ]
    return Strip(reel.stimulus, reel.caption, frames, reel.of_participant and cover is None)


def _jpeg(video: Path, at_s: float, settings: Settings, cover: Callable[[Image], None] | None) -> bytes | None:
    """The first picture from a time on; None for a video that cannot be decoded there."""
    try:
        with Video(video, decode_limits(settings), None, start_s=at_s) as pictures:
            frame = next(iter(pictures), None)
            return None if frame is None else _encoded(np.array(frame.rgb), cover)
    except (VideoError, OSError) as error:
        logger.debug("no frame of %s at %s s: %s", video, at_s, error)
        return None


def _encoded(picture: Image, cover: Callable[[Image], None] | None) -> bytes:
    if cover:
        picture = _at_most(picture, COVERED_SIDE / min(picture.shape[:2]))
        cover(picture)
    small = _at_most(picture, WIDTH / picture.shape[1])
    _, content = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return content.tobytes()


def _at_most(picture: Image, scale: float) -> Image:
    if scale >= 1:
        return picture
    height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
