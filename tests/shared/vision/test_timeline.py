"""The positions and windows of a video: compact while they are collected, and the same result as from lists."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic_core import to_json

from duygu.shared.exports.selection import once_every
from duygu.shared.schemas.packed import PackedList, unpacked
from duygu.shared.schemas.result import Face, Flag, Result, Warning  # noqa: A004
from duygu.shared.schemas.result_json import json_chunks
from duygu.shared.vision.results import DECIMALS_S, FacePosition, ResultConverter, WindowLogits
from duygu.shared.vision.timeline import BLOCK, Timeline
from tests.support.results.long_timeline import MODEL, RECIPE, found, timeline_of, video_of

MOVEMENTS = ("browDownLeft", "jawOpen")
WARNINGS = [Warning(code="truncated", detail="the file ends early")]

MOST_BYTES = 5000
"""Memory of a timeline, its result and its JSON, in bytes per second and face. Lists of objects take 13,000 to 15,000;
packed they take 1,500 and a constant megabyte."""


def expected(
    converter: ResultConverter, positions: list[FacePosition], windows: list[WindowLogits], warnings: list[Warning]
) -> Result:
    """Return the result that the definition gives: lists of values, each converted on its own."""
    faces = []
    for face_id in sorted({window.face_id for window in windows}):
        own = [window for window in windows if window.face_id == face_id]
        prediction = converter.prediction(
            np.mean([window.logits for window in own], axis=0), converter.recipe.track_temperature
        )
        places = sorted((p for p in positions if p.face_id == face_id), key=lambda position: position.time_s)
        own.sort(key=lambda window: round(window.start_s, DECIMALS_S))
        faces.append(
            Face(
                face_id=face_id,
                start_s=converter.position(places[0]).time_s,
                end_s=converter.position(places[-1]).time_s,
                emotion=prediction.emotion,
                confidence=prediction.confidence,
                probabilities=prediction.probabilities,
                windows=list(map(converter.window, own)),
                positions=list(map(converter.position, places)),
            )
        )
    return Result(job_id="job", model=MODEL, video=video_of(2), faces=faces, warnings=warnings)


def random_face(
    face_id: int, seed: int, count: int, *, measured: bool
) -> tuple[list[FacePosition], list[WindowLogits]]:
    """Return positions and windows of a face in any order, with everything that can be missing now and then."""
    random = np.random.default_rng(seed)
    labels = len(RECIPE.labels)
    positions = [
        FacePosition(
            face_id,
            random.uniform(0, 99),
            random.uniform(-9, 999, 4).astype(np.float32),
            random.uniform(0, 1.00001),
            tuple(random.uniform(-90, 90, 3).tolist()) if measured and random.random() < 0.9 else None,
        )
        for _ in range(count)
    ]
    windows = [
        WindowLogits(
            face_id,
            start_s := random.uniform(0, 99),
            start_s + 0.9,
            random.normal(0, 4, labels).astype(np.float32),
            tuple(flag for flag in Flag if random.random() < 0.2),
            random.uniform(-0.1, 1.1, len(MOVEMENTS)).astype(np.float32) if measured else None,
            random.uniform(0, 1) if measured and random.random() < 0.9 else None,
            still=random.random() < 0.2,
            relative=random.normal(0, 4, labels).astype(np.float32) if random.random() < 0.9 else None,
        )
        for _ in range(count)
    ]
    return positions, windows


@hypothesis_settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    counts=st.lists(st.sampled_from([1, 2, BLOCK, 2 * BLOCK + 3]), max_size=3),
    measured=st.booleans(),
    warnings=st.sampled_from([[], WARNINGS]),
)
def test_the_json_is_that_of_lists(seed: int, counts: list[int], *, measured: bool, warnings: list[Warning]) -> None:
    """The result of a timeline is, byte for byte, that of values kept in lists: with poses, movements, or nobody."""
    converter = ResultConverter(RECIPE, RECIPE.labels, None, MOVEMENTS if measured else ())
    timeline, positions, windows = Timeline(converter), list[FacePosition](), list[WindowLogits]()
    for face_id, count in enumerate(counts, 1):
        ours = random_face(face_id, seed + face_id, count, measured=measured)
        timeline.add(*ours)
        positions += ours[0]
        windows += ours[1]
    ends = [(face_id, window.end_s) for face_id, window in timeline.in_order()]
    result = timeline.result("job", MODEL, video_of(2), warnings)
    wanted = expected(converter, positions, windows, warnings)
    assert b"".join(json_chunks(result)) == to_json(wanted)
    assert unpacked(result) == wanted
    assert ends == [
        (window.face_id, round(window.end_s, DECIMALS_S))
        for window in sorted(windows, key=lambda window: (window.end_s, window.face_id))
    ]


def test_positions_are_read_as_a_list() -> None:
    """Positions have the length, the indices from both ends and the slices of a list in the order of their times."""
    timeline = timeline_of(3, 1)
    positions = timeline.result(None, MODEL, video_of(3), []).faces[0].positions
    values = list(positions)
    assert [position.time_s for position in values] == [tick / 10 for tick in range(30)]
    assert len(positions) == 30
    assert [positions[index] for index in range(-30, 30)] == values + values
    assert (positions[:16], positions[20:3:-4]) == (values[:16], values[20:3:-4])
    for index in (30, -31):
        with pytest.raises(IndexError):
            positions[index]


def test_windows_of_a_selection_stay_packed() -> None:
    """The windows that are kept every so many seconds are those of the result of lists, and not a list."""
    result = timeline_of(60, 2).result(None, MODEL, video_of(60), [])
    thinned, wanted = once_every(result, 2.0), once_every(unpacked(result), 2.0)
    assert unpacked(thinned) == wanted
    assert all(isinstance(face.windows, PackedList) for face in thinned.faces)
    assert len(thinned.faces[0].windows) < len(result.faces[0].windows) / 2


def in_lists(seconds: int, faces: int) -> int:
    """Build the result of lists and its JSON; returns its length."""
    positions, windows = list[FacePosition](), list[WindowLogits]()
    for some, others in found(seconds, faces):
        positions += some
        windows += others
    return len(to_json(expected(ResultConverter(RECIPE, RECIPE.labels), positions, windows, [])))


def compactly(seconds: int, faces: int) -> int:
    """Build the result of a timeline and its JSON; returns its length."""
    result = timeline_of(seconds, faces).result("job", MODEL, video_of(2), [])
    return sum(map(len, json_chunks(result)))


def peak_of(build: Callable[[int, int], int], seconds: int, faces: int) -> int:
    """Return the peak of the memory that a build allocates, in bytes."""
    build(2, 1)  # what is created once
    tracemalloc.start()
    try:
        build(seconds, faces)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("faces", [1, 5])
def test_memory_of_a_long_result_is_a_fraction_of_that_of_lists(faces: int) -> None:
    """Collecting, result and JSON of a long video take few bytes per second and face; as lists they take many."""
    assert peak_of(in_lists, 300 // faces, faces) > 2 * MOST_BYTES * 300
    assert peak_of(compactly, 1200 // faces, faces) < MOST_BYTES * 1200
