"""Judging by groups, and comparing two model folders, on recordings of unseen people."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from duygu.shared.config.settings import Settings
from duygu.shared.errors import TrainingDataError
from duygu.shared.model.folder import H5, open_model_folder
from duygu.training.compare import compare
from duygu.training.data.clipset import ClipSet, save_clips
from duygu.training.judge import judge
from duygu.training.network import keras_file
from duygu.training.network.motion_gate import MOVING
from duygu.training.run.folder import RunFolder

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""Keras triggers this warning when it writes a file."""

MODEL = Settings().model
RECIPE = open_model_folder(MODEL).recipe
PEOPLE, EACH = 6, 5


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of clips of six people, with five recordings each and the columns `sex` and `speaking`."""
    random, count = np.random.default_rng(1), PEOPLE * EACH
    names = np.array([f"person {number // EACH}" for number in range(count)])
    columns = {
        "sex": np.array(["f" if number < 2 * EACH else "m" for number in range(count)]),
        "speaking": np.array(["yes", "no"] * (count // 2)),
    }
    images = random.integers(0, 255, (count, *RECIPE.input_shape[:3]), np.uint8)
    path = tmp_path_factory.mktemp("clips") / "clips.npz"
    recordings = np.array([f"recording {number:02}" for number in range(count)])
    save_clips(ClipSet(images, np.arange(count) % 7, names, recordings, columns), RECIPE, path)
    return path


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A folder with the shipped network, whose output for moving faces always names happiness."""
    network = keras_file.load(MODEL / H5)
    layer: keras.layers.Dense = network.model.get_layer(MOVING)
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel, bias + 100 * (np.arange(len(bias)) == RECIPE.labels.index("happiness"))])
    keras_file.save(replace(network, recipe=RECIPE), tmp_path / "other" / H5)
    return tmp_path / "other"


def test_groups_have_figures_and_a_warning(clips: Path, tmp_path: Path) -> None:
    """Each value of each column is in the report, beside all recordings, and groups of few people are named."""
    figures = judge(MODEL, clips, tmp_path, ["sex", "speaking"])
    groups = [f"as_served, {group}" for group in ("sex=f", "sex=m", "speaking=no", "speaking=yes")]
    assert list(figures) == ["as_served", "as_served_without_neutral", *groups]
    report = json.loads(RunFolder(tmp_path).measured.read_text(encoding="utf-8"))
    assert [report[name]["count"] for name in groups] == [10, 20, 15, 15]
    page = RunFolder(tmp_path).report.read_text(encoding="utf-8")
    assert "as_served, sex=f: 2 people, fewer than 5" in page
    assert "as_served, speaking=no: " not in page
    assert page.count("<svg") == 6


def test_an_unknown_column_is_refused(clips: Path, tmp_path: Path) -> None:
    """The error lists the columns of the clips, and nothing is written."""
    with pytest.raises(TrainingDataError, match="no column age; their further columns are: sex, speaking"):
        judge(MODEL, clips, tmp_path / "report", ["age"])
    assert not (tmp_path / "report").exists()


def test_equal_networks_do_not_differ(clips: Path, tmp_path: Path) -> None:
    """No difference between a network and itself can be claimed, and the report says so."""
    shutil.copytree(MODEL, tmp_path / "copy")
    lines = " ".join(compare(MODEL, tmp_path / "copy", clips, tmp_path / "report"))
    assert "No difference can be claimed" in lines
    assert "none of whom trained either network" in lines
    assert "is right in 0 recordings, the old one alone in 0" in lines
    assert "p = 1.000" in lines


def test_the_report_has_both_networks_and_the_comparison(clips: Path, other: Path, tmp_path: Path) -> None:
    """Figures of both networks are in measured.json and on the page, with the comparison in words."""
    lines = compare(MODEL, other, clips, tmp_path)
    report = json.loads(RunFolder(tmp_path).measured.read_text(encoding="utf-8"))
    assert list(report) == ["old: emotion", "new: other"]
    happy = report["new: other"]["labels"].index("happiness")
    assert sum(row[happy] for row in report["new: other"]["confusion"]) == PEOPLE * EACH
    page = RunFolder(tmp_path).report.read_text(encoding="utf-8")
    assert page.count("<svg") == 2
    assert "McNemar&#x27;s exact test" in page
    assert "McNemar" in lines[-1]
