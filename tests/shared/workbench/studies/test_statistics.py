"""Bootstrap intervals over participants, time courses, and the comparison of two groups."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from duygu.shared.workbench.studies.output import write_study
from duygu.shared.workbench.studies.settings import StudySettings
from duygu.shared.workbench.studies.sheet import Sheet, StudyRow
from duygu.shared.workbench.studies.statistics.bootstrap import mean_intervals, t_quantile
from duygu.shared.workbench.studies.statistics.permutation import clusters_of
from duygu.shared.workbench.studies.statistics.time_course import TimeCourse, group_means, time_courses
from duygu.shared.workbench.studies.study import Study, outcomes_of
from tests.support.results.study import course, face, result, window

QUICK = StudySettings(resamples=300, permutations=200)


def study(people: dict[str, Callable[[float], float]], length_s: float = 12.0, **row: Any) -> Study:
    """A study of one film; participants with a name in lower case are in group `low`, the others in `HIGH`."""
    rows = [
        replace(StudyRow(line, Path(name), name, name, "low" if name.islower() else "HIGH", "film"), **row)
        for line, name in enumerate(people, 2)
    ]
    sheet = Sheet(rows)
    outcomes = outcomes_of(sheet, lambda path: course(length_s, people[path.name]))
    return Study(sheet, outcomes, settings=QUICK)


def course_of(made: Study) -> TimeCourse:
    """The time course of the probabilities."""
    return time_courses(made.units, made.labels, made.settings)[0]


@pytest.mark.parametrize("freedom", [1, 4, 39, 1000])
def test_quantiles_of_t(freedom: int) -> None:
    """They agree with those of scipy."""
    assert t_quantile(0.025, freedom) == pytest.approx(stats.t.ppf(0.025, freedom), rel=1e-6)


@pytest.mark.parametrize("people", [8, 20])
def test_intervals_cover_the_mean_of_the_population(people: int) -> None:
    """93 to 97 % of the intervals of simulated participants contain the true mean."""
    values = np.random.default_rng(people).beta(4, 6, size=(people, 2000))
    _, low, high = mean_intervals(values, resamples=400, seed=0)
    assert 0.93 <= np.mean((low <= 0.4) & (high >= 0.4)) <= 0.97


def test_few_participants_have_no_interval() -> None:
    """Below 5 known values, the mean is known and the interval is not; without a value neither is."""
    values = np.random.default_rng(0).random((6, 3))
    values[4:, 1] = np.nan
    values[:, 2] = np.nan
    mean, low, high = mean_intervals(values, 200, 0)
    assert mean[:2] == pytest.approx([values[:, 0].mean(), values[:4, 1].mean()])
    assert list(np.isnan(low)) == list(np.isnan(high)) == [False, True, True]
    assert np.isnan(mean[2])


def test_more_windows_do_not_narrow_an_interval() -> None:
    """Twice the windows of every participant, with the same values, give the same interval."""
    levels = np.random.default_rng(3).uniform(0.1, 0.7, 7)

    def made(step_s: float) -> Study:
        rows = [StudyRow(i + 2, Path(str(i)), str(i), f"P{i}") for i in range(len(levels))]
        starts = np.arange(0.0, 10.0, step_s)
        results = {
            str(i): result(face([window(float(s), {"happiness": level}) for s in starts]), duration_s=12.0)
            for i, level in enumerate(levels)
        }
        sheet = Sheet(rows)
        return Study(sheet, outcomes_of(sheet, lambda path: results[path.name]), settings=QUICK)

    sparse, dense = (group_means(course_of(one), QUICK)[0] for one in (made(0.5), made(0.25)))
    at = slice(2, 18)
    width = (sparse.high - sparse.low)[at]
    assert np.nanmax(width) > 0.1
    np.testing.assert_allclose((dense.high - dense.low)[at], width, atol=1e-9)


def test_offsets_align_the_recordings() -> None:
    """Participants whose films start at different times have their peak in the same bin."""
    rows = [StudyRow(i, Path(str(i)), str(i), f"P{i}", offset_s=float(i)) for i in range(2, 8)]
    sheet = Sheet(rows)

    def peak_at(path: Path) -> float:
        return 6.0 + int(path.name)

    outcomes = outcomes_of(sheet, lambda path: course(24.0, lambda t: 0.9 if abs(t - peak_at(path)) < 0.6 else 0.1))
    of = course_of(Study(sheet, outcomes, settings=QUICK))
    peaks = of.times[np.nanargmax(of.values[:, :, list(of.labels).index("happiness")], axis=1)]
    assert np.ptp(peaks) <= 0.5
    assert peaks[0] == pytest.approx(6.0, abs=0.9)


def test_a_planted_difference_is_found_and_no_other() -> None:
    """The cluster lies where one group is happier; p is corrected over all emotions."""
    levels = np.random.default_rng(5).normal(0, 0.03, 12)

    def person(index: int) -> Callable[[float], float]:
        shift = 0.3 if index % 2 else 0.0
        return lambda t: float(np.clip(0.3 + levels[index] + (shift if 4 <= t < 8 else 0.0), 0, 1))

    made = study({"ABCDEF"[i // 2] if i % 2 else "abcdef"[i // 2]: person(i) for i in range(12)})
    found = [one for one in clusters_of(course_of(made), QUICK) if one.p < 0.05]
    assert {one.label for one in found} == {"happiness", "neutral"}
    for one in found:
        assert [one.start_s, one.end_s] == pytest.approx([4.0, 8.0], abs=0.9)
        assert one.p == pytest.approx(1 / 201, abs=0.02)
    assert all((one.mass > 0) == (one.label == "happiness") for one in found)  # HIGH sorts before low


def test_the_time_before_the_stimulus_is_not_compared() -> None:
    """A difference before it is in the means and in no cluster, and the p of a later one does not depend on it."""

    def person(index: int, *, early: float) -> Callable[[float], float]:
        shift = 0.3 if index % 2 else 0.0
        return lambda t: 0.2 + 0.01 * index + (shift if 8 <= t < 11 else 0.0) + (early * shift if t < 4 else 0.0)

    def made(early: float) -> Study:
        names = {("ABCDEF" if i % 2 else "abcdef")[i // 2]: person(i, early=early) for i in range(12)}
        return study(names, offset_s=5.0)

    of = course_of(made(1.0))
    happiness = list(of.labels).index("happiness")
    high, low = (one.mean[of.times < -2, happiness] for one in group_means(of, QUICK))
    assert np.nanmin(high - low) > 0.2
    found = clusters_of(of, QUICK)
    assert found
    assert min(one.start_s for one in found) >= 0
    assert found == clusters_of(course_of(made(0.0)), QUICK)


def test_a_recording_before_the_stimulus_only_has_no_cluster() -> None:
    """Without a bin of the stimulus nothing is compared."""
    made = study({name: lambda _: 0.2 for name in "abcdABCD"}, offset_s=11.9, end_s=6.0)
    assert clusters_of(course_of(made), QUICK) == []


def test_false_positives_are_rare_without_a_difference() -> None:
    """Among 60 simulated studies of one population, the share with p < .05 is near 5 %."""
    random, units = np.random.default_rng(11), study({name: lambda _: 0.2 for name in "abcdeABCDE"}).units
    settings = StudySettings(permutations=100)
    positive = 0
    for _ in range(60):
        steps = random.normal(0, 1, (10, 20, 2)).cumsum(axis=1)
        of = TimeCourse("film", "probability", ["anger", "fear"], units, np.arange(20.0), 1.0, steps)
        positive += any(one.p < 0.05 for one in clusters_of(of, settings))
    assert positive <= 8


def test_one_group_or_a_small_one_is_not_compared() -> None:
    """There is no cluster, and the group means are there nevertheless."""
    for names in ("abcdef", "abcdeAB"):
        made = study({name: lambda _: 0.2 for name in names})
        assert clusters_of(course_of(made), QUICK) == []
        assert len(group_means(course_of(made), QUICK)) == len({name.islower() for name in names})


def test_the_report_is_complete_and_self_contained(tmp_path: Path) -> None:
    """It has the figures, the hashes, the methods with their sources, and no external resource; names are escaped."""
    people: dict[str, Callable[[float], float]] = {name: lambda t: 0.5 if t > 6 else 0.1 for name in "abcdABCD"}
    people["<b>"] = lambda _: 0.3
    write_study(study(people, baseline=(0.0, 3.0)), tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 2  # plain, and less the baseline
    for words in ("Hesterberg", "Maris", "1" * 64, "0" * 64, "300 resamples", "&lt;b&gt;"):
        assert words in page
    for words in ("<b>", "<script", "src=", "href=", "url("):
        assert words not in page
    layouts = [f"{name}{column}" for name in ("1-probability", "2-relative") for column in ("", "-column")]
    endings = [f"{typeface}{kind}" for typeface in ("", "-serif") for kind in (".svg", ".pdf", ".png")]
    files = {f"{layout}{ending}" for layout in layouts for ending in endings}
    assert {path.name for path in (tmp_path / "figures").iterdir()} == files
    assert {"group_means.csv", "clusters.csv"} <= {path.name for path in (tmp_path / "tables").iterdir()}


def test_the_methods_are_those_of_the_study(tmp_path: Path) -> None:
    """Comparison and baseline are described, and their sources named, only in a study that has them."""
    for baseline, people in (((0.0, 3.0), "abcdABCD"), (None, "abcdAB")):
        write_study(study({name: lambda _: 0.2 for name in people}, baseline=baseline), tmp_path)
        page = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert ("Maris" in page) == ("permutation test" in page) == (baseline is not None)
        assert ("at rest" in page) == (baseline is not None)
        assert "Boker" not in page
        assert "bootstrap" in page


def test_a_mean_that_equals_the_threshold_is_above_it() -> None:
    """Sums of parts of windows are rounded: 0.2 over any times is 0.2."""
    made = course_of(study({name: lambda _: 0.2 for name in "abcde"}))
    [mean] = group_means(made, QUICK)
    happiness = mean.above[:, made.labels.index("happiness")]
    assert happiness[~np.isnan(happiness)].tolist() == [1.0] * len(happiness)
