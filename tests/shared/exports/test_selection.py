"""Reducing a result to some of its faces and windows."""

from duygu.shared.exports.selection import most_seen, once_every
from duygu.shared.schemas.result import ResultOptions
from tests.support.results.known import two_faces


def test_the_faces_that_are_seen_longest_stay() -> None:
    """The faces that are visible longest are kept; a number above the count of faces changes nothing."""
    result = two_faces()
    assert [face.face_id for face in most_seen(result, 1).faces] == [1]
    assert most_seen(result, 9) == result


def test_windows_are_kept_at_even_times() -> None:
    """Windows are sampled at regular times; a face between two of them keeps its first window."""
    faces = once_every(two_faces(), 1.0).faces
    assert [window.start_s for window in faces[0].windows] == [0.0, 0.5, 4.0]
    assert len(once_every(two_faces(), 100.0).faces[1].windows) == 1


def test_short_steps_change_nothing() -> None:
    """An interval shorter than the windows changes nothing."""
    assert once_every(two_faces(), 0.1) == two_faces()


def test_a_subset_records_its_selection() -> None:
    """The options of a reduced result contain the reduction."""
    options = ResultOptions(engine="onnx", labels=[], min_face=0.06)
    part = once_every(most_seen(two_faces().model_copy(update={"options": options}), 1), 2.0)
    assert part.options == options.model_copy(update={"faces": 1, "every_s": 2.0})
