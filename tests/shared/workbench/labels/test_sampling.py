"""The choice of moments to label."""

from collections import Counter
from itertools import pairwise

from duygu.shared.schemas.emotions import EMOTIONS
from duygu.shared.schemas.result import Result
from duygu.shared.workbench.labels.sampling import moments
from tests.support.results.known import face, two_faces, window


def long_result() -> Result:
    """Return a result of 400 overlapping windows: mostly neutral, one in 25 of each other emotion, some uncertain."""
    windows = []
    for number in range(400):
        emotion = EMOTIONS[number % 25] if number % 25 < 6 else "neutral"
        windows.append(window(number * 0.5, emotion, 0.45 if number % 7 == 0 else 0.8))
    return two_faces().model_copy(update={"faces": [face(1, windows)]})


def test_strata_are_equally_represented() -> None:
    """Rare emotions and uncertain windows get as many moments as the common stratum, as far as they have any."""
    result = long_result()
    strata = {one.start_s: (one.emotion, one.uncertain) for one in result.faces[0].windows}
    counts = Counter(strata[moment.start_s] for moment in moments(result, minutes=5, seed=1))
    assert counts.total() == 50
    assert counts["neutral", False] <= 10
    assert {emotion for emotion, _ in counts} == set(EMOTIONS)
    assert sum(number for (_, uncertain), number in counts.items() if uncertain) >= 12


def test_moments_do_not_overlap() -> None:
    """Moments of a face are apart from each other, although windows overlap."""
    spans = sorted((moment.start_s, moment.end_s) for moment in moments(long_result(), minutes=20, seed=1))
    assert len(spans) > 100
    assert all(one[1] <= other[0] for one, other in pairwise(spans))


def test_the_seed_selects_the_moments() -> None:
    """Two raters get the same moments in different orders; another seed selects others."""
    ann, bob = (moments(long_result(), 5, 1, rater) for rater in ("ann", "bob"))
    assert ann == moments(long_result(), 5, 1, "ann")
    assert ann != bob
    assert set(map(str, ann)) == set(map(str, bob))
    assert set(map(str, ann)) != set(map(str, moments(long_result(), 5, 2, "ann")))


def test_the_order_does_not_reveal_the_stratum() -> None:
    """The moments are neither in order of time nor grouped by emotion."""
    result = long_result()
    chosen = moments(result, minutes=5, seed=1)
    assert [moment.start_s for moment in chosen] != sorted(moment.start_s for moment in chosen)
    emotions = {one.start_s: one.emotion for one in result.faces[0].windows}
    changes = sum(emotions[one.start_s] != emotions[other.start_s] for one, other in pairwise(chosen))
    assert changes > len(EMOTIONS)


def test_excluded_faces_have_no_moments() -> None:
    """Only visible faces are sampled."""
    result = two_faces()
    faces = [result.faces[0].model_copy(update={"excluded": True}), result.faces[1]]
    assert {moment.face_id for moment in moments(result.model_copy(update={"faces": faces}), 20, 1)} == {2}
