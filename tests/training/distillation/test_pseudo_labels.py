"""Tests of pseudo-labels: altered stills with the teachers' probabilities, stored in parts."""

from pathlib import Path

import numpy as np
import pytest
from rich.progress import Progress

from duygu.shared.vision.types import Floats, Image
from duygu.training.data.stills import TEACHERS, TrainingStills, one_hot
from duygu.training.distillation import pseudo_labels
from duygu.training.distillation.pseudo_labels import label_with_teachers
from duygu.training.distillation.teachers import Teachers
from duygu.training.run.folder import RunFolder
from duygu.training.run.settings import SOURCES
from tests.support.teacher_packages import make_packages

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


class CountingTeachers(Teachers):
    """Teachers that count the images they classify."""

    count = 0

    def probabilities(self, images: Image) -> Floats:
        """As the teachers."""
        self.count += len(images)
        return super().probabilities(images)


@pytest.fixture
def stills() -> TrainingStills:
    """Pictures of noise; every source agrees on the label."""
    random = np.random.default_rng(0)
    targets = np.repeat(one_hot(np.arange(14) % 7)[:, np.newaxis], len(SOURCES), axis=1)
    return TrainingStills(random.integers(0, 255, (14, 48, 48), np.uint8), targets, np.full(14, 1 / 14))


def test_pseudo_labels_are_those_of_the_altered_images(
    stills: TrainingStills, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The teachers' targets are their probabilities for the stored image; the raters' are those of the still."""
    monkeypatch.setattr(pseudo_labels, "PART", 16)
    make_packages(tmp_path, np.random.default_rng(0))
    teachers = Teachers(tmp_path)
    images = label_with_teachers(stills, teachers, 40, RunFolder(tmp_path / "run"), Progress(disable=True))
    assert images.images.shape == (40, 48, 48)
    assert images.targets[:, TEACHERS] == pytest.approx(teachers.probabilities(images.images), abs=2e-3)
    assert images.targets.sum(axis=2) == pytest.approx(1, abs=5e-3)
    raters = images.targets[:, : TEACHERS.start]
    assert np.array_equal(raters[:, 0], raters[:, 1])
    assert (raters.max(axis=2) > 0.99).mean() > 0.6  # the others are blends


def test_an_interrupted_run_labels_the_missing_parts(
    stills: TrainingStills, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Existing parts are not labelled again, and the result equals that of an uninterrupted run."""
    monkeypatch.setattr(pseudo_labels, "PART", 16)
    make_packages(tmp_path, np.random.default_rng(0))

    teachers = CountingTeachers(tmp_path)
    first = label_with_teachers(stills, teachers, 40, RunFolder(tmp_path / "run"), Progress(disable=True))
    (tmp_path / "run" / "pseudo_labels_001.npz").unlink()
    again = label_with_teachers(stills, teachers, 40, RunFolder(tmp_path / "run"), Progress(disable=True))
    assert teachers.count == 40 + 16
    assert np.array_equal(first.images, again.images)
    assert np.array_equal(first.targets, again.targets)


def test_parts_of_other_stills_or_teachers_are_labelled_again(
    stills: TrainingStills, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Further images are added to existing parts; other stills or versions of the teachers replace all parts."""
    monkeypatch.setattr(pseudo_labels, "PART", 16)
    make_packages(tmp_path, np.random.default_rng(0))

    def count(of: TrainingStills, images: int) -> int:
        teachers = CountingTeachers(tmp_path)
        made = label_with_teachers(of, teachers, images, RunFolder(tmp_path / "run"), Progress(disable=True))
        assert len(made.images) == images
        return teachers.count

    assert count(stills, 24) == 24
    assert count(stills, 48) == 16 + 16  # the part that was half full, and one more
    others = TrainingStills(255 - stills.images, stills.targets, stills.shares)
    assert count(others, 48) == 48
    (package,) = tmp_path.glob("fer-*.whl")
    package.rename(package.with_name("fer-99.0.0-py3-none-any.whl"))
    assert count(others, 48) == 48
    assert count(others, 48) == 0
    part = tmp_path / "run" / "pseudo_labels_000.npz"
    with np.load(part) as kept:
        np.savez(part, images=kept["images"], targets=kept["targets"])  # as earlier versions kept them
    assert count(others, 48) == 16


def test_parts_with_earlier_names_are_read(
    stills: TrainingStills, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts that version 0.1 wrote as asked_NNN.npz are renamed with a warning, and not labelled again."""
    monkeypatch.setattr(pseudo_labels, "PART", 16)
    make_packages(tmp_path, np.random.default_rng(0))
    teachers, run = CountingTeachers(tmp_path), RunFolder(tmp_path / "run")
    first = label_with_teachers(stills, teachers, 16, run, Progress(disable=True))
    (part,) = run.path.iterdir()
    part.rename(run.path / "asked_000.npz")
    with pytest.warns(DeprecationWarning, match=r"asked_000\.npz is renamed"):
        again = label_with_teachers(stills, teachers, 16, run, Progress(disable=True))
    assert teachers.count == 16
    assert np.array_equal(first.targets, again.targets)
