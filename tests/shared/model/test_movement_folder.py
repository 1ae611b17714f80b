"""Folders of movement networks."""

import json
import shutil
from pathlib import Path

import pytest

from duygu.shared.config.settings import Settings
from duygu.shared.errors import ModelError
from duygu.shared.model.folder import MANIFEST
from duygu.shared.model.movement_folder import NETWORK, open_movement_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the folder that ships."""
    return Path(shutil.copytree(Settings().movements, tmp_path / "movements"))


def test_the_shipped_folder_names_the_data_of_its_agreement() -> None:
    """Each of the 52 movements has its agreement on each data set, and their mean."""
    movements = open_movement_folder(Settings().movements).manifest.movements
    assert len({movement.name for movement in movements}) == 52
    for movement in movements:
        assert len(movement.r_of) == 2
        assert movement.r == pytest.approx(sum(movement.r_of.values()) / 2, abs=2e-3)


def test_a_damaged_network_is_rejected(folder: Path) -> None:
    """A network that does not match its hash, or is missing, is an error that names it."""
    (folder / NETWORK).write_bytes(b"other")
    with pytest.raises(ModelError, match=NETWORK):
        open_movement_folder(folder)
    (folder / NETWORK).unlink()
    with pytest.raises(ModelError, match=NETWORK):
        open_movement_folder(folder)


@pytest.mark.parametrize("change", [{"size": 1}, {"movements": [{"name": "x"}]}, {"surplus": 1}, {"files": {}}])
def test_an_invalid_manifest_is_rejected(folder: Path, change: dict[str, object]) -> None:
    """A manifest with a missing, invalid or surplus field is an error that names the manifest."""
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(manifest | change))
    with pytest.raises(ModelError, match=MANIFEST):
        open_movement_folder(folder)


def test_a_folder_without_manifest_is_rejected(tmp_path: Path) -> None:
    """A folder without a manifest is an error."""
    with pytest.raises(ModelError, match=MANIFEST):
        open_movement_folder(tmp_path)
