"""Synchrony of two people, with planted courses."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from duygu.shared.schemas.result import Result
from duygu.shared.workbench.studies.output import statistics_of
from duygu.shared.workbench.studies.settings import StudySettings
from duygu.shared.workbench.studies.sheet import Sheet, StudyRow
from duygu.shared.workbench.studies.statistics.synchrony import correlations
from duygu.shared.workbench.studies.study import Study, outcomes_of
from tests.support.results.study import course

SETTINGS = StudySettings(resamples=100, permutations=400)

STEP_S, BINS = 0.5, 240

Floats = npt.NDArray[np.float64]


def smooth(random: np.random.Generator, length: int) -> Floats:
    """A course that changes within seconds, from 0 to 1."""
    noise = np.convolve(random.normal(size=length + 8), np.ones(5) / 5, "same")[4:-4]
    return np.asarray(0.5 + 0.4 * np.tanh(2 * noise), np.float64)


def z_of(*courses: Floats) -> Floats:
    """Fisher's z of every two courses."""
    return correlations(np.stack(courses)[:, :, np.newaxis], STEP_S, SETTINGS)[:, :, 0]


def test_equal_courses_are_synchronous() -> None:
    """The correlation of a course with itself is 1, whatever its scale and offset."""
    one = smooth(np.random.default_rng(1), BINS)
    assert np.tanh(z_of(one, 0.2 + 0.5 * one)) == pytest.approx(0.999, abs=1e-6)


def test_a_lag_within_the_limit_is_found_and_a_longer_one_is_not() -> None:
    """A partner who follows by 1.5 s is as synchronous as one at once; a delay of 6 s is not found."""
    one = smooth(np.random.default_rng(2), BINS + 20)
    near, far = z_of(one[20:], one[17:-3]), z_of(one[20:], one[8:-12])
    assert np.tanh(near[0, 1]) > 0.99
    assert np.tanh(far[0, 1]) < 0.7


def test_gaps_do_not_count_and_still_faces_have_no_synchrony() -> None:
    """Windows without a face are left out; a face that never moves has none; order does not matter."""
    one = smooth(np.random.default_rng(3), BINS)
    other = one.copy()
    other[40:80] = np.nan
    z = z_of(one, other, np.full(BINS, 0.5))
    assert np.tanh(z[0, 1]) == pytest.approx(0.999, abs=1e-6)
    assert z[0, 1] == z[1, 0]
    assert np.isnan(z[0, 2])


def test_a_short_recording_has_no_window() -> None:
    """Without a whole window there is no value."""
    one = smooth(np.random.default_rng(4), 10)
    assert np.isnan(z_of(one, one)).all()


def result_of(happiness: Floats) -> Result:
    """A result whose face is happy by a course."""
    return course(
        len(happiness) * STEP_S, lambda time_s: float(happiness[min(int(time_s / STEP_S), len(happiness) - 1)])
    )


def study_of(courses: Sequence[Floats], pairs: Sequence[str]) -> Study:
    """A study whose participants are happy by these courses."""
    rows = [
        StudyRow(place + 2, Path(f"{place}.mp4"), f"{place}.mp4", f"P{place}", stimulus="talk", free={"pair": pair})
        for place, pair in enumerate(pairs)
    ]
    results = {row.path: result_of(one) for row, one in zip(rows, courses, strict=True)}
    return Study(Sheet(rows, ["pair"]), outcomes_of(Sheet(rows, ["pair"]), results.__getitem__), settings=SETTINGS)


def rows_of(study: Study) -> dict[str, dict[str, object]]:
    """The table of tests by emotion."""
    [table] = [table for table in statistics_of(study).tables if table.name == "synchrony_tests"]
    return {str(row["emotion"]): dict(row) for row in table.rows}


def test_pairs_that_share_a_course_differ_from_shuffled_ones() -> None:
    """Six planted pairs have a small p, and a higher synchrony than random pairings, in the planted emotion."""
    random = np.random.default_rng(5)
    courses = []
    for _ in range(6):
        shared = smooth(random, 120)
        courses += [np.clip(shared + random.normal(0, 0.05, 120), 0, 1) for _ in range(2)]
    row = rows_of(study_of(courses, [f"pair {place // 2}" for place in range(12)]))["happiness"]
    assert row["pairs"] == 6
    assert float(str(row["synchrony"])) > float(str(row["shuffled"])) + 0.2
    assert float(str(row["p"])) < 0.02


def test_independent_people_are_rarely_found_synchronous() -> None:
    """Of thirty studies of independent people, about one in twenty has p < .05; more than five are a rare chance."""
    random = np.random.default_rng(6)
    found = 0
    for _ in range(30):
        courses = [smooth(random, 80) for _ in range(10)]
        row = rows_of(study_of(courses, [f"pair {place // 2}" for place in range(10)]))["happiness"]
        found += float(str(row["p"])) < 0.05
    assert found <= 5


def test_fewer_than_four_pairs_have_no_test() -> None:
    """Their synchrony is reported, without p; participants without a partner are left out."""
    random = np.random.default_rng(7)
    study = study_of([smooth(random, 80) for _ in range(5)], ["a", "a", "b", "b", ""])
    row = rows_of(study)["happiness"]
    assert row["pairs"] == 2
    assert row["p"] is None
    [table] = [table for table in statistics_of(study).tables if table.name == "synchrony"]
    assert {(one["participant_a"], one["participant_b"]) for one in table.rows} == {("P0", "P1"), ("P2", "P3")}


def test_a_study_without_pairs_has_no_such_tables() -> None:
    """The tables exist only in a study with pairs."""
    random = np.random.default_rng(8)
    study = study_of([smooth(random, 60) for _ in range(2)], ["", ""])
    assert not any(table.name.startswith("synchrony") for table in statistics_of(study).tables)


def test_recordings_without_a_whole_window_have_no_row() -> None:
    """A stimulus that is shorter than a window and its lags has pairs without a synchrony, and no test."""
    random = np.random.default_rng(9)
    study = study_of([smooth(random, 12) for _ in range(2)], ["a", "a"])
    assert rows_of(study) == {}
