"""Timelines of long videos without their analysis: what an analyzer would have found, at its rates."""

from collections.abc import Iterator

import numpy as np

from duygu.shared.model.recipe import Recipe
from duygu.shared.schemas.model import ModelInfo
from duygu.shared.schemas.result import Flag, VideoInfo
from duygu.shared.vision.results import FacePosition, ResultConverter, WindowLogits
from duygu.shared.vision.timeline import Timeline

RECIPE = Recipe("long", size=48)

RATE_HZ, STEPS = 10, 5
"""Positions of a face a second, and the positions from one of its windows to the next."""

MODEL = ModelInfo(name="long", version="1", sha256="a" * 64, labels=list(RECIPE.labels))


def video_of(seconds: int) -> VideoInfo:
    """Return a video of 360p at 30 frames a second."""
    return VideoInfo(
        duration_s=seconds,
        width=640,
        height=360,
        rotation=0,
        frames_decoded=30 * seconds,
        frames_analysed=RATE_HZ * seconds,
    )


def found(seconds: int, faces: int) -> Iterator[tuple[list[FacePosition], list[WindowLogits]]]:
    """Yield the positions and windows of each analysed frame; every face is visible from beginning to end."""
    random = np.random.default_rng(0)
    for tick in range(seconds * RATE_HZ):
        time_s = tick / RATE_HZ
        boxes = random.uniform(0, 300, (faces, 4)).astype(np.float32)
        windows = [
            WindowLogits(
                face_id,
                max(time_s - 0.9, 0.0),
                time_s,
                random.normal(0, 3, len(RECIPE.labels)).astype(np.float32),
                (Flag.DARK,) if tick % 7 == 0 else (),
                relative=random.normal(0, 3, len(RECIPE.labels)).astype(np.float32),
            )
            for face_id in range(1, faces + 1)
            if tick % STEPS == STEPS - 1
        ]
        yield [FacePosition(face_id, time_s, box, 0.99) for face_id, box in enumerate(boxes, 1)], windows


def timeline_of(seconds: int, faces: int) -> Timeline:
    """Return the timeline of a video."""
    timeline = Timeline(ResultConverter(RECIPE, RECIPE.labels))
    for positions, windows in found(seconds, faces):
        timeline.add(positions, windows)
    return timeline
