"""The annotated video: what was filmed, with what was found in it."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np

from duygu.shared.annotated.overlay import Overlay
from duygu.shared.annotated.paint import INK, Canvas
from duygu.shared.annotated.sound import Sound
from duygu.shared.annotated.sound_child import SOUND_HZ
from duygu.shared.annotated.writer import FilmWriter, Painted
from duygu.shared.config import Settings
from duygu.shared.errors import CancelledError
from duygu.shared.schemas import Result
from duygu.shared.vision.decode.video import Video

LONGEST_SIDE = 1920
"""Pixels; a larger picture is made smaller, since encoding it would take longer than analysing it did."""

SMALLEST_FACE = 1e-4
"""As a share of the picture. For faces so small the decoder's coloured copy is as large as the picture itself."""

FIRST_SOUND = SOUND_HZ // 10
"""Samples that tell whether there is any sound."""

NOTICED_S = 0.1
"""A first picture that is later than this has a still of it before, as not every player shows something until then."""


def write_film(
    video: Path,
    result: Result,
    target: Path,
    settings: Settings,
    *,
    on_progress: Callable[[float], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> None:
    """Write an MP4 of the upright video with boxes, face ids and emotions, a timeline below, and its sound.

    Pictures and sound keep the times that a player gives them: sound before the first picture and after the last one
    is kept, beside a picture that stands still. Pictures and sound stream through, so memory does not grow with the
    length of the video.

    on_progress  is called with the share done, after each picture

    Raises a VideoError, and CancelledError when `should_stop` says so.
    """
    whole = settings.model_copy(update={"min_face": SMALLEST_FACE})
    film = _Film(result)
    with ExitStack() as stack:
        pictures = stack.enter_context(Video(video, whole, None, should_stop))
        first_s = pictures.first_frame_s
        sound = stack.enter_context(Sound(video, settings, pictures.start_s - first_s))
        first_sound = sound.read(FIRST_SOUND)
        writer = stack.enter_context(
            FilmWriter(target, film.painted, sound=bool(first_sound), threads=settings.threads)
        )
        writer.sound(first_sound)
        for frame in pictures:
            if first_s > NOTICED_S and not frame.index:
                film.paint(frame.rgb, -first_s)
                writer.picture(0.0)
            _copy_sound(sound, writer, first_s + frame.time_s, should_stop)
            film.paint(frame.rgb, frame.time_s)
            writer.picture(first_s + frame.time_s)
            if on_progress:
                on_progress(min(frame.time_s / max(result.video.duration_s, 1e-3), 1.0))
        _copy_sound(sound, writer, first_s + settings.max_duration_s, should_stop)
        writer.end_s = max(first_s + result.video.duration_s, writer.sound_s)


def _copy_sound(sound: Sound, writer: FilmWriter, until_s: float, should_stop: Callable[[], bool] | None) -> None:
    """Copy what is heard before a moment. In small pieces, since pictures may be hours apart."""
    while (missing := round((until_s - writer.sound_s) * SOUND_HZ)) > 0:
        if should_stop and should_stop():
            raise CancelledError
        content = sound.read(min(missing, SOUND_HZ))
        if not content:
            return
        writer.sound(content)


class _Film:
    """One canvas, which each picture is painted on in turn."""

    def __init__(self, result: Result) -> None:
        video = result.video
        scale = min(1.0, LONGEST_SIDE / max(video.width, video.height, 1))
        self._size = max(1, round(video.width * scale)), max(1, round(video.height * scale))
        width, height = (-(-side // 2) * 2 for side in self._size)  # 4:2:0 needs even sides
        self._overlay = Overlay(result, width, height)
        self.painted = Painted(width, height + self._overlay.strip_height)
        self.painted.canvas[:] = INK

    def paint(self, picture: Canvas, time_s: float) -> None:
        """Put a picture of any size on the canvas, with what was found in it."""
        width, height = self._size
        if picture.shape[:2] != (height, width):
            picture = np.asarray(cv2.resize(picture, self._size, interpolation=cv2.INTER_AREA), np.uint8)
        self.painted.canvas[:height, :width] = picture
        self._overlay.paint(self.painted.canvas, time_s)
