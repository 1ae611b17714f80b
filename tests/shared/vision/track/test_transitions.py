"""Gradual transitions between two people, and changes that are none."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest

from duygu.shared.vision.engine import Engine
from duygu.shared.vision.track.tracker import Tracker
from duygu.shared.vision.track.transitions import SPANS, TransitionDetector
from duygu.shared.vision.types import PictureFrame
from tests.support.media.frames import frame_of
from tests.support.media.videos import PAN, STILL, Actor, Image, Scene

Mix = Callable[[Image, Image, float], Image]


@cache
def somebody(time_s: float) -> Image:
    """Return a face that moves slightly, (240, 320, 3)."""
    return Scene((Actor(start=(0.45, 0.5), end=(0.55, 0.52)),), duration_s=4.0).picture(min(time_s, 4.0))


@cache
def somebody_else(time_s: float) -> Image:
    """Return another face in another room: lit from below, shaded, mirrored, before a window."""
    scene = Scene((Actor(start=(0.54, 0.52), end=(0.47, 0.5), size=0.74, mirrored=True),), duration_s=4.0, cuts=(0.0,))
    picture = scene.picture(min(time_s, 4.0)).astype(np.float64)
    rows = np.linspace(0, 1, picture.shape[0])[:, np.newaxis, np.newaxis]
    picture *= np.where(rows < 0.48, 0.45, 1.15)
    picture[:, :70] = (210, 220, 235)
    picture[90:, 262:] *= 0.3
    return np.clip(picture, 0, 255).astype(np.uint8)


def cross_fade(one: Image, other: Image, share: float) -> Image:
    """Mix each pixel of two pictures."""
    return np.asarray(cv2.addWeighted(one, 1 - share, other, share, 0), np.uint8)


def wipe(one: Image, other: Image, share: float) -> Image:
    """Move the new picture in from the left."""
    edge = round(share * one.shape[1])
    return np.concatenate([other[:, :edge], one[:, edge:]], axis=1)


def dissolve(one: Image, other: Image, share: float) -> Image:
    """Replace the pixels one after another in random order."""
    order = np.random.default_rng(5).random(one.shape[:2])
    return np.where((order < share)[..., np.newaxis], other, one)


def transition(mix: Mix, length_s: float) -> Iterator[PictureFrame]:
    """Yield four seconds in which one person turns into another around the middle."""
    for index in range(40):
        time_s = index / 10
        share = float(np.clip((time_s - 2.0) / length_s + 0.5, 0, 1))
        yield frame_of(mix(somebody(time_s), somebody_else(time_s), share), time_s)


@pytest.mark.parametrize("mix", [cross_fade, wipe, dissolve])
@pytest.mark.parametrize("length_s", [0.5, 1.0, 1.6])
def test_whoever_comes_in_gradually_has_an_id_of_their_own(mix: Mix, length_s: float, engine: Engine) -> None:
    """The person at the end of a gradual transition has another id than the one at the start."""
    tracker = Tracker(engine.detector)
    seen = [
        (tracker.update(frame), {track.key for track in tracker.visible()})[1] for frame in transition(mix, length_s)
    ]
    assert seen[0] == seen[10] == {1}
    assert len(seen[-1]) == 1
    assert seen[-1] != {1}


def test_the_same_person_keeps_the_id_through_a_transition(engine: Engine) -> None:
    """A person keeps the id while only the room fades into another one."""
    tracker = Tracker(engine.detector)
    for index in range(40):
        share = float(np.clip(index / 10 - 1.5, 0, 1))
        room, other = somebody(index / 10), somebody_else(index / 10).copy()
        left, top, right, bottom = 100, 30, 220, 220
        other[top:bottom, left:right] = room[top:bottom, left:right]
        tracker.update(frame_of(cross_fade(room, other, share), index / 10))
    assert [track.key for track in tracker.visible()] == [1]


@pytest.mark.parametrize(
    "scene",
    [PAN, replace(STILL, actors=(Actor(start=(0.5, 0.5), end=(1.6, 0.5)),)), replace(PAN, width=640)],
    ids=["pan", "leaves", "wide"],
)
def test_movement_is_no_transition(scene: Scene) -> None:
    """A face that moves through or out of the picture causes no transition."""
    assert not any(transitions(scene.picture(index / 10) for index in range(20)))


def test_changing_light_is_no_transition() -> None:
    """Changing light and a fade to a darker picture cause no transition."""
    assert not any(transitions(np.asarray(somebody(0.0) * (0.3 + index / 30), np.uint8) for index in range(20)))


def test_a_hard_cut_is_no_gradual_transition() -> None:
    """A hard cut causes no gradual transition."""
    assert not any(transitions(somebody(0.0) if index < 12 else somebody_else(0.0) for index in range(30)))


def transitions(pictures: Iterator[Image]) -> list[bool]:
    """Return the output of the detector for each picture."""
    detector = TransitionDetector()
    small = (cv2.resize(picture[..., 1], (32, 18), interpolation=cv2.INTER_AREA) for picture in pictures)
    return [detector.update(thumbnail.astype(np.float32)) for thumbnail in small]


def test_its_memory_is_bounded() -> None:
    """The detector keeps a bounded history of thumbnails."""
    detector = TransitionDetector()
    for _ in range(200):
        detector.update(np.zeros((18, 32), np.float32))
    assert len(detector.history) == SPANS[-1] + 1
