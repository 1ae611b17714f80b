"""Annotated video: the frames of a video with the overlay of its result."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np

from duygu.shared.annotated.overlay import Overlay
from duygu.shared.annotated.paint import INK, Canvas
from duygu.shared.annotated.sound import Sound
from duygu.shared.annotated.sound_child import SOUND_HZ
from duygu.shared.annotated.writer import Painted, VideoWriter
from duygu.shared.errors import CancelledError
from duygu.shared.schemas import Result
from duygu.shared.vision.decode.video import Video
from duygu.shared.vision.options import DecodeLimits

LONGEST_SIDE = 1920
"""Maximum side of the annotated video, in pixels. Encoding a larger one would take longer than the analysis."""

FIRST_SOUND = SOUND_HZ // 10
"""Number of samples that are read to find out whether the video has sound."""

NOTICED_S = 0.1
"""Delay of the first picture above which a still precedes it, since some players show nothing until then."""


def write_annotated_video(
    video: Path,
    result: Result,
    target: Path,
    limits: DecodeLimits,
    *,
    on_progress: Callable[[float], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> None:
    """Write an MP4 of the upright video with boxes, face ids and emotions, a timeline below, and its sound.

    Pictures and sound keep their presentation times. Sound before the first picture and after the last one is kept,
    with a still picture. Both are streamed, so memory does not grow with the length of the video.

    on_progress  called with the completed share after each picture

    Raises a VideoError, and CancelledError once `should_stop` returns True.
    """
    painter = _Painter(result)
    with ExitStack() as stack:
        pictures = stack.enter_context(Video(video, limits, None, should_stop=should_stop))
        first_s = pictures.first_frame_s
        sound = stack.enter_context(Sound(video, limits, pictures.start_s - first_s))
        first_sound = sound.read(FIRST_SOUND)
        writer = VideoWriter(target, painter.painted, sound=bool(first_sound), threads=limits.threads)
        stack.enter_context(writer)
        writer.sound(first_sound)
        for frame in pictures:
            if first_s > NOTICED_S and not frame.index:
                painter.paint(frame.rgb, -first_s)
                writer.picture(0.0)
            _copy_sound(sound, writer, first_s + frame.time_s, should_stop)
            painter.paint(frame.rgb, frame.time_s)
            writer.picture(first_s + frame.time_s)
            if on_progress:
                on_progress(min(frame.time_s / max(result.video.duration_s, 1e-3), 1.0))
        _copy_sound(sound, writer, first_s + limits.max_duration_s, should_stop)
        writer.end_s = max(first_s + result.video.duration_s, writer.sound_s)


def _copy_sound(sound: Sound, writer: VideoWriter, until_s: float, should_stop: Callable[[], bool] | None) -> None:
    """Copy the sound up to a time, in small pieces, since pictures can be hours apart."""
    while (missing := round((until_s - writer.sound_s) * SOUND_HZ)) > 0:
        if should_stop and should_stop():
            raise CancelledError
        content = sound.read(min(missing, SOUND_HZ))
        if not content:
            return
        writer.sound(content)


class _Painter:
    """The canvas on which all pictures are drawn in turn."""

    def __init__(self, result: Result) -> None:
        video = result.video
        scale = min(1.0, LONGEST_SIDE / max(video.width, video.height, 1))
        self._size = max(1, round(video.width * scale)), max(1, round(video.height * scale))
        width, height = (-(-side // 2) * 2 for side in self._size)  # 4:2:0 requires even sides
        self._overlay = Overlay(result, width, height)
        self.painted = Painted(width, height + self._overlay.strip_height)
        self.painted.canvas[:] = INK

    def paint(self, picture: Canvas, time_s: float) -> None:
        """Draw a picture of any size with its overlay."""
        width, height = self._size
        if picture.shape[:2] != (height, width):
            picture = np.asarray(cv2.resize(picture, self._size, interpolation=cv2.INTER_AREA), np.uint8)
        self.painted.canvas[:height, :width] = picture
        self._overlay.paint(self.painted.canvas, time_s)
