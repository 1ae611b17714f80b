"""Tracing edited faces to computed ones and back."""

from hypothesis import given
from hypothesis import strategies as st

from duygu.shared.errors import InvalidEditError
from duygu.shared.schemas.result import Position, Result
from duygu.shared.workbench.edits.editing import apply_edits
from duygu.shared.workbench.edits.operations import Edit, Merge, Split
from duygu.shared.workbench.edits.origin import Origin, Presence, Tracer
from tests.support.results.known import face, two_faces, window


def result() -> Result:
    """Return three faces with a position in every tenth of a second, never two in the same picture."""
    faces = []
    for face_id, start_s in ((1, 0.0), (2, 0.03), (3, 20.06)):
        windows = [window(start_s + number, "neutral", 0.8) for number in range(10)]
        times = [round(start_s + number / 10, 3) for number in range(100)]
        positions = [Position(time_s=time_s, box=(face_id, 0, 9, 9), score=1) for time_s in times]
        update = {"positions": positions, "start_s": times[0], "end_s": times[-1]}
        faces.append(face(face_id, windows).model_copy(update=update))
    return two_faces().model_copy(update={"faces": faces})


RESULT = result()

PRESENCE = {
    one.face_id: Presence(
        [position.time_s for position in one.positions], [(seen.start_s, seen.end_s) for seen in one.windows]
    )
    for one in RESULT.faces
}

operations = st.one_of(
    st.builds(
        lambda face_id, step: Merge(face_id=face_id, into=(face_id - 1 + step) % 8 + 1),
        st.integers(1, 8),
        st.integers(1, 7),
    ),
    st.builds(lambda face_id, at: Split(face_id=face_id, at_s=at / 4), st.integers(1, 8), st.integers(0, 120)),
)


@given(st.lists(operations, max_size=12))
def test_every_position_is_traced_as_edits_show_it(tried: list[Edit]) -> None:
    """After any merges and splits, the tracer assigns each computed position to the face that the edited result has."""
    edits: list[Edit] = []
    for edit in tried:
        try:
            apply_edits(RESULT, [*edits, edit])
        except InvalidEditError:
            continue
        edits.append(edit)
    edited, tracer = apply_edits(RESULT, edits), Tracer(PRESENCE, edits)
    assert tracer.faces == [one.face_id for one in edited.faces]
    for one in edited.faces:
        start_s, end_s = tracer.extent(one.face_id)
        assert start_s == min(one.positions[0].time_s, one.windows[0].start_s)
        assert end_s == max(one.positions[-1].time_s, one.windows[-1].end_s)
        for position in one.positions[::7]:
            origin = Origin(int(position.box[0]), position.time_s)
            assert tracer.origin(one.face_id, position.time_s) == origin
            assert tracer.shown_as(origin) == one.face_id


def test_the_nearest_position_is_the_origin() -> None:
    """A time without a position, as in a gap or outside the face, belongs to the position nearest to it."""
    tracer = Tracer(PRESENCE, [Merge(face_id=3, into=1)])
    assert tracer.origin(1, 12.0) == Origin(1, 9.9)
    assert tracer.origin(1, 18.0) == Origin(3, 20.06)
    assert tracer.origin(1, 99.0) == Origin(3, 29.96)
    assert tracer.shown_as(Origin(9, 0.0)) is None
