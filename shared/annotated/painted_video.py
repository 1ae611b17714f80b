"""Video whose pictures are painted one by one, with the sound of the original."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from duygu.shared.annotated.paint import Canvas
from duygu.shared.annotated.sound import Sound
from duygu.shared.annotated.sound_child import SOUND_HZ
from duygu.shared.annotated.writer import Painted, VideoWriter
from duygu.shared.errors import CancelledError
from duygu.shared.vision.decode.video import Video
from duygu.shared.vision.options import DecodeLimits

LONGEST_SIDE = 1920
"""Maximum side of a painted video, in pixels. Encoding a larger one would take longer than the analysis."""

FIRST_SOUND = SOUND_HZ // 10
"""Number of samples that are read to find out whether the video has sound."""

NOTICED_S = 0.1
"""Delay of the first picture above which a still precedes it, since some players show nothing until then."""


class Painter(Protocol):
    """Paints the pictures on one canvas in turn."""

    @property
    def painted(self) -> Painted:
        """The canvas."""
        ...

    def paint(self, picture: Canvas, time_s: float) -> None:
        """Paint a picture of any size. Its time is negative for a still before the first picture."""
        ...


def size_within(width: int, height: int) -> tuple[int, int]:
    """Width and height of the pictures of a painted video."""
    scale = min(1.0, LONGEST_SIDE / max(width, height, 1))
    return max(1, round(width * scale)), max(1, round(height * scale))


def even(side: int) -> int:
    """The next even number, which 4:2:0 requires."""
    return -(-side // 2) * 2


def write_painted_video(
    video: Path,
    painter: Painter,
    target: Path,
    limits: DecodeLimits,
    duration_s: float,
    *,
    on_progress: Callable[[float], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> None:
    """Write an MP4 of the upright pictures as they are painted, with the sound of the video.

    Pictures and sound keep their presentation times. Sound before the first picture and after the last one is kept,
    with a still picture. Both are streamed, so memory does not grow with the length of the video.

    duration_s   of the pictures
    on_progress  called with the completed share after each picture

    Raises a VideoError, and CancelledError once `should_stop` returns True.
    """
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
                on_progress(min(frame.time_s / max(duration_s, 1e-3), 1.0))
        _copy_sound(sound, writer, first_s + limits.max_duration_s, should_stop)
        writer.end_s = max(first_s + duration_s, writer.sound_s)


def _copy_sound(sound: Sound, writer: VideoWriter, until_s: float, should_stop: Callable[[], bool] | None) -> None:
    """Copy the sound up to a time, in small pieces, since pictures can be hours apart."""
    while (missing := round((until_s - writer.sound_s) * SOUND_HZ)) > 0:
        if should_stop and should_stop():
            raise CancelledError
        content = sound.read(min(missing, SOUND_HZ))
        if not content:
            return
        writer.sound(content)
