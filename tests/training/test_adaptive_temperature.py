"""The command that fits an adaptive temperature, and what the other commands do with one."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from duygu.shared.config.engine import engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.errors import ConfigurationError, TrainingDataError
from duygu.shared.model.folder import CARD, FEATURE_STATISTICS, MANIFEST, open_model_folder
from duygu.shared.vision.classify.second_trunk import SecondTrunk
from duygu.shared.vision.engine import load_engine
from duygu.training.adaptive_temperature import Sources, add_adaptive_temperature
from duygu.training.data.clipset import load_clips
from duygu.training.export import Release, export
from duygu.training.judge import SERVED, judge
from duygu.training.measure.card import ADAPTIVE_HEADING, RELATIVE_HEADING, SECOND_TRUNK_HEADING
from duygu.training.measure.folder_predictions import folder_predictions
from duygu.training.network import keras_file
from duygu.training.network.served import folder_logits
from duygu.training.run.folder import RunFolder
from duygu.training.second_trunk import remove_adaptive_temperature
from tests.support.second_trunk import without_second_trunk
from tests.training.test_second_trunk import write_clips

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # of Keras, on numpy 2

SHIPPED = Settings().model
RECIPE = open_model_folder(SHIPPED).recipe


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """Random clips."""
    folder = tmp_path_factory.mktemp("sources")
    acted = write_clips(folder / "acted.npz", 5)
    return Sources(write_clips(folder / "talking.npz", 3, labelled=False), [acted], acted)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the folder that ships, with one temperature for all windows."""
    folder = tmp_path_factory.mktemp("before") / "model"
    shutil.copytree(SHIPPED, folder)
    remove_adaptive_temperature(folder)
    return folder


@pytest.fixture(scope="module")
def fitted(before: Path, sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with an adaptive temperature."""
    folder = tmp_path_factory.mktemp("fitted") / "model"
    shutil.copytree(before, folder)
    add_adaptive_temperature(folder, sources, "9.9")
    return folder


def test_the_folder_is_complete(fitted: Path) -> None:
    """The engine serves it with its second trunk; manifest and card describe it, and all files have the same recipe."""
    folder = open_model_folder(fitted)
    engine = load_engine(engine_options(Settings(model=fitted)))
    assert engine.adaptive_temperature is not None
    assert isinstance(engine.second_trunk, SecondTrunk)
    assert engine.relative is not None
    assert engine.recipe == folder.recipe == keras_file.load(fitted / "3dcnn_emotion_model.h5").recipe
    assert folder.manifest.version == "9.9"
    assert {"acted_zero_shot", "ferplus_strict"} <= set(folder.manifest.measured)
    card = (fitted / CARD).read_text(encoding="utf-8")
    places = [card.index(heading) for heading in (SECOND_TRUNK_HEADING, ADAPTIVE_HEADING, RELATIVE_HEADING)]
    assert places == sorted(places)
    assert card.count(ADAPTIVE_HEADING) == 1
    assert "| acted |" in card


def test_photographs_keep_their_calibration(fitted: Path, before: Path) -> None:
    """Temperature and thresholds of repeated pictures are those before; only the settings for moving faces change."""
    new, old = (open_model_folder(folder).recipe.to_dict() for folder in (fitted, before))
    changed = {name for name in new if new[name] != old[name]}
    assert changed <= {"track_temperature", "uncertain_below", "certain_means"}
    assert changed


def test_recordings_are_classified_as_served(fitted: Path, sources: Sources) -> None:
    """`judge` multiplies the logits by the factors of the engine."""
    clips, folder = load_clips(sources.clips[0], RECIPE), open_model_folder(fitted)
    engine = load_engine(engine_options(Settings(model=fitted)))
    assert engine.adaptive_temperature is not None
    computed = folder_logits(folder, clips)
    adapted = computed.logits * engine.adaptive_temperature.factors(computed.means, computed.gates)[:, np.newaxis]
    network = keras_file.load(fitted / "3dcnn_emotion_model.h5")
    found = folder_predictions(fitted, network, clips).probabilities
    of_first = clips.recordings == np.unique(clips.recordings)[0]
    scores = np.exp(adapted[of_first].mean(axis=0).astype(np.float64) / folder.recipe.track_temperature)
    assert found[0] == pytest.approx(scores / scores.sum(), abs=1e-5)


def test_a_folder_without_a_second_trunk_gets_one_too(sources: Sources, tmp_path: Path) -> None:
    """The statistics are those of the first trunk; `judge` uses the adaptive temperature."""
    folder = without_second_trunk(SHIPPED, tmp_path / "model")
    one = judge(folder, sources.clips[0], tmp_path / "report")[SERVED]
    add_adaptive_temperature(folder, sources)
    assert load_engine(engine_options(Settings(model=folder))).adaptive_temperature is not None
    assert judge(folder, sources.clips[0], tmp_path / "report")[SERVED] != one


def test_the_command_can_be_repeated(fitted: Path, sources: Sources, tmp_path: Path) -> None:
    """A second run gives the same recipe, statistics and card."""
    shutil.copytree(fitted, tmp_path / "again")
    add_adaptive_temperature(tmp_path / "again", sources)
    one, other = (open_model_folder(folder).manifest for folder in (fitted, tmp_path / "again"))
    assert other.recipe == one.recipe
    assert other.adaptive_temperature == one.adaptive_temperature
    assert other.files[CARD] == one.files[CARD]
    assert other.files[FEATURE_STATISTICS] == one.files[FEATURE_STATISTICS]


def test_export_removes_the_statistics_of_another_network(fitted: Path, tmp_path: Path) -> None:
    """A network that is exported into the folder has one temperature until another is fitted."""
    shutil.copytree(fitted, tmp_path / "model")
    run = RunFolder(tmp_path / "run").create()
    shutil.copyfile(fitted / "3dcnn_emotion_model.h5", run.network)
    export(run.path, tmp_path / "model", Release("other", "1"))
    folder = open_model_folder(tmp_path / "model")
    assert folder.manifest.adaptive_temperature is None
    assert not folder.feature_statistics.exists()


@pytest.mark.parametrize(
    ("people", "second", "problem", "error"),
    [
        (2, True, "have 2 people; at least 4 are needed", ConfigurationError),
        (5, False, "lack the crops for the second trunk", TrainingDataError),
    ],
)
def test_unsuitable_clips_are_refused(
    before: Path, sources: Sources, tmp_path: Path, people: int, *, second: bool, problem: str, error: type[Exception]
) -> None:
    """Before anything in the folder is changed."""
    manifest = (before / MANIFEST).read_bytes()
    clips = write_clips(tmp_path / "clips.npz", people, second=second)
    with pytest.raises(error, match=problem):
        add_adaptive_temperature(before, Sources(sources.talking, [clips]))
    assert (before / MANIFEST).read_bytes() == manifest
