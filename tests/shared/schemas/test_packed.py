"""Packed sequences of schema values, and the JSON of results that have them."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic_core import PydanticSerializationError, to_json

from duygu.shared.schemas.emotions import EMOTIONS
from duygu.shared.schemas.packed import BLOCK, PackedList, as_stored, packed, unpacked
from duygu.shared.schemas.result import (
    Baseline,
    Face,
    Flag,
    Pose,
    Position,
    RelativePrediction,
    Result,
    Warning,  # noqa: A004
    Window,
)
from duygu.shared.schemas.result_json import json_chunks
from tests.support.results.known import two_faces

SHARES = st.floats(0, 1)
SECONDS = st.floats(0, 1e5)
TEXTS = st.text(max_size=12) | st.sampled_from(['"windows":[', '],"positions":[', '"faces":[', 'ğ\\"\n\x00'])
PROBABILITIES = st.dictionaries(st.sampled_from(EMOTIONS), SHARES, max_size=7)
ANGLES = st.floats(-180, 180)

RELATIVE = st.builds(
    RelativePrediction, emotion=TEXTS, confidence=SHARES, probabilities=PROBABILITIES, uncertain=st.booleans()
)
WINDOWS = st.builds(
    Window,
    start_s=SECONDS,
    end_s=SECONDS,
    emotion=TEXTS,
    confidence=SHARES,
    probabilities=PROBABILITIES,
    uncertain=st.booleans(),
    flags=st.lists(st.sampled_from(Flag), max_size=3),
    relative=st.none() | RELATIVE,
    relative_logits=st.none() | st.lists(st.floats(-50, 50), max_size=7),
    speaking=st.none() | SHARES,
    movements=st.none() | st.dictionaries(TEXTS, SHARES, max_size=3),
    valence=st.none() | st.floats(-1, 1),
)
POSITIONS = st.builds(
    Position,
    time_s=SECONDS,
    box=st.tuples(ANGLES, ANGLES, ANGLES, ANGLES),
    score=SHARES,
    pose=st.none() | st.builds(Pose, yaw=ANGLES, pitch=ANGLES, roll=ANGLES),
)
FACES = st.builds(
    Face,
    face_id=st.integers(1, 99),
    name=st.none() | TEXTS,
    excluded_spans=st.lists(st.tuples(SECONDS, SECONDS), max_size=1),
    baseline=st.none() | st.builds(Baseline, source=st.just("auto"), spans=st.just([(0.0, 1.5)]), windows=st.just(3)),
    start_s=SECONDS,
    end_s=SECONDS,
    emotion=TEXTS,
    confidence=SHARES,
    probabilities=PROBABILITIES,
    windows=st.lists(WINDOWS, max_size=3),
    positions=st.lists(POSITIONS, max_size=3),
)
RESULTS = st.builds(
    lambda faces, warnings, job_id: two_faces().model_copy(
        update={"faces": faces, "warnings": warnings, "job_id": job_id}
    ),
    st.lists(FACES, max_size=3),
    st.lists(st.builds(Warning, code=TEXTS, detail=TEXTS), max_size=2),
    st.none() | TEXTS,
)


def numbered(count: int) -> list[Position]:
    """Return positions that differ."""
    return [Position(time_s=number / 10, box=(number, 0, 1, 1), score=0.5) for number in range(count)]


@hypothesis_settings(max_examples=40, deadline=None)
@given(result=RESULTS)
def test_chunks_are_the_json_of_the_result(result: Result) -> None:
    """The chunks of any result, packed or not, are the bytes of pydantic's JSON."""
    expected = to_json(result)
    assert b"".join(json_chunks(result)) == expected
    assert b"".join(json_chunks(packed(result))) == expected


@hypothesis_settings(max_examples=40, deadline=None)
@given(result=RESULTS)
def test_unpacking_is_the_inverse_of_packing(result: Result) -> None:
    """A result that was packed and unpacked is the same result, of lists."""
    again = unpacked(packed(result))
    assert again == result
    assert to_json(again) == to_json(result)
    assert all(isinstance(values, list) for face in again.faces for values in (face.windows, face.positions))


@pytest.mark.parametrize("count", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_a_packed_list_is_a_sequence(count: int) -> None:
    """Length, order, indices from both ends and slices are those of a list, across blocks."""
    values = numbered(count)
    stored = PackedList(Position, iter(values))
    assert (len(stored), list(stored), bool(stored)) == (count, values, bool(values))
    assert [stored[index] for index in range(-count, count)] == values + values
    assert stored[:3] == values[:3]
    assert stored[1 : count - 1 : 100] == values[1 : count - 1 : 100]
    assert stored[::-1] == values[::-1]
    for index in (count, -count - 1):
        with pytest.raises(IndexError):
            stored[index]


def test_lists_that_were_read_keep_no_values() -> None:
    """Of many lists whose first values are read, only the values of the last one stay in memory."""
    lists = [PackedList(Position, numbered(BLOCK)) for _ in range(20)]
    tracemalloc.start()
    try:
        assert all(stored[0] == numbered(1)[0] for stored in lists[:1])
        one, _ = tracemalloc.get_traced_memory()
        assert all(stored[0] == numbered(1)[0] for stored in lists)
        every, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert every < 3 * one
    assert [stored[-1] for stored in lists] == numbered(BLOCK)[-1:] * 20


def test_a_chunk_has_a_part_of_a_long_face() -> None:
    """The text of a long face is many chunks, of which none has more than a small part of it."""
    face = two_faces().faces[0].model_copy(update={"positions": numbered(20 * BLOCK)})
    result = two_faces().model_copy(update={"faces": [face]})
    chunks = list(json_chunks(packed(result)))
    assert b"".join(chunks) == to_json(result)
    assert max(map(len, chunks)) < sum(map(len, chunks)) / 10


def test_values_are_stored_as_those_they_replace() -> None:
    """Values that replace packed ones are packed; others are a list."""
    values = numbered(3)
    assert isinstance(as_stored(iter(values), PackedList(Position, [])), PackedList)
    assert as_stored(iter(values), []) == values


def test_pydantic_refuses_a_packed_result() -> None:
    """No text lacks the windows of a packed result: pydantic raises, and does not write an empty list."""
    for write in (to_json, Result.model_dump_json):
        with pytest.raises(PydanticSerializationError, match="PackedList"):
            write(packed(two_faces()))
