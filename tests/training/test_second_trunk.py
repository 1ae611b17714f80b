"""The command that adds a second trunk to a model folder, and what the other commands do with one."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from duygu.shared.config.engine import engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.errors import ConfigurationError, TrainingDataError
from duygu.shared.model.folder import CARD, H5, HEAD, ONNX, SECOND_HEAD, open_model_folder, write_manifest
from duygu.shared.vision.classify.second_trunk import SecondTrunk
from duygu.shared.vision.engine import load_engine
from duygu.shared.vision.types import Floats, Image
from duygu.training.data.clipset import UNLABELLED, ClipSet, SecondCrops, joined, load_clips, save_clips
from duygu.training.data.second_crops import FACE_API_CROPS
from duygu.training.data.stills import TRAINING, Stills
from duygu.training.distillation.teachers import FACE_API_ORDER, _face_api, face_api_weights
from duygu.training.export import Release, export
from duygu.training.judge import SERVED, judge
from duygu.training.measure.card import RELATIVE_HEADING, SECOND_TRUNK_HEADING
from duygu.training.mouth_motion.copies import copies_of
from duygu.training.mouth_motion.landmarks import MouthMotion
from duygu.training.mouth_motion.motions import Motions
from duygu.training.network import keras_file
from duygu.training.network.inference import logits_of
from duygu.training.network.talking_head import still_features
from duygu.training.onnx.face_api import PooledTrunk
from duygu.training.relative import learn_relative
from duygu.training.run.folder import RunFolder
from duygu.training.second_trunk import Sources, add_second_trunk, seen_by_both
from tests.support.second_trunk import without_second_trunk
from tests.support.teacher_packages import make_packages
from tests.training.mouth_motion.faces import face, kept

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # of Keras, on numpy 2

SHIPPED = Settings().model
RECIPE = open_model_folder(SHIPPED).recipe
COLUMNS = [*RECIPE.labels, "contempt", "unknown", "NF"]


def write_clips(path: Path, people: int, *, labelled: bool = True, second: bool = True) -> Path:
    """Write clips of people with three recordings of two clips each; every fifth clip has no crop for the trunk."""
    random = np.random.default_rng(people)
    count = people * 6
    images = random.integers(0, 255, (count, *RECIPE.input_shape[:3]), np.uint8)
    recordings = np.array([f"{path.stem} {number // 2}" for number in range(count)])
    subjects = np.array([f"{path.stem} {number // 6}" for number in range(count)])
    labels = np.arange(count) // 2 % 3 + 4 if labelled else np.full(count, UNLABELLED)
    counts = np.where(np.arange(count) % 5 == 4, 0, 4)
    crops = SecondCrops(random.integers(0, 255, (int(counts.sum()), 112, 112), np.uint8), counts)
    save_clips(ClipSet(images, labels, subjects, recordings, second=crops if second else None), RECIPE, path)
    return path


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """Random stills, clips and weights of face-api."""
    folder = tmp_path_factory.mktemp("sources")
    random, count = np.random.default_rng(2), 40
    make_packages(folder, random)
    np.savez(
        folder / "stills.npz",
        ferplus_images=random.integers(0, 255, (count, 48, 48), np.uint8),
        ferplus_votes=10 * np.eye(len(COLUMNS), dtype=np.uint8)[np.arange(count) % 7],
        ferplus_vote_columns=np.array(COLUMNS),
        ferplus_usage=np.full(count, TRAINING),
        fer2013_label=(np.arange(count) % 7).astype(np.int8),
        ferplus_teacher_probs=np.full((count, 3, 7), 1 / 7, np.float16),
        muxspace_images=np.full((1, 48, 48), 99, np.uint8),
        muxspace_label=np.array([1]),
        muxspace_teacher_probs=np.full((1, 3, 7), 1 / 7, np.float16),
    )
    talking = write_clips(folder / "talking.npz", 3, labelled=False)
    acted = write_clips(folder / "acted.npz", 5)
    return Sources(folder, folder / "stills.npz", talking, [acted], acted)


@pytest.fixture(scope="module")
def trained(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the folder that ships, with the second trunk of the random weights."""
    folder = without_second_trunk(SHIPPED, tmp_path_factory.mktemp("trained") / "model")
    add_second_trunk(folder, sources, "9.9")
    return folder


def test_the_trunk_is_that_of_face_api(sources: Sources) -> None:
    """Its pooled features give the logits of face-api's network in TensorFlow."""
    crops = np.random.default_rng(0).integers(0, 255, (5, 112, 112), np.uint8)
    weights = face_api_weights(sources.teachers)
    features = PooledTrunk(weights).features(crops)
    expected = _face_api(next(sources.teachers.glob("vladmandic-face-api-*")))(crops[..., np.newaxis].astype("f4"))
    logits = (features @ weights["fc/weights"] + weights["fc/bias"])[:, list(FACE_API_ORDER)]
    assert logits == pytest.approx(np.asarray(expected), rel=1e-4, abs=1e-4)


def test_the_folder_is_complete(trained: Path) -> None:
    """The engine serves it; version, figures, licence and card describe it, and all files have the same recipe."""
    folder = open_model_folder(trained)
    engine = load_engine(engine_options(Settings(model=trained)))
    assert isinstance(engine.second_trunk, SecondTrunk)
    assert engine.recipe == folder.recipe == keras_file.load(trained / "3dcnn_emotion_model.h5").recipe
    assert folder.manifest.version == "9.9"
    assert {"acted_zero_shot", "acted_leave_one_actor_out", "ferplus_strict"} <= set(folder.manifest.measured)
    settings = folder.manifest.second_trunk
    assert settings is not None
    assert "Permission is hereby granted" in settings.licence
    card = (trained / CARD).read_text(encoding="utf-8")
    assert card.count(SECOND_TRUNK_HEADING) == card.count("## Calibration\n") == card.count("## Preprocessing\n") == 1
    assert f"below {folder.recipe.uncertain_below:.2f} is marked" in card or "all windows are marked" in card


def test_the_network_is_unchanged(trained: Path) -> None:
    """The logits of the network alone, and with them the output for still faces, are those before."""
    images = np.random.default_rng(3).integers(0, 255, (2, *RECIPE.input_shape[:3]), np.uint8)
    one, other = (keras_file.load(folder / "3dcnn_emotion_model.h5") for folder in (SHIPPED, trained))
    assert logits_of(other, images).tolist() == logits_of(one, images).tolist()
    assert other.recipe.temperature == one.recipe.temperature
    assert other.recipe.still_uncertain_below == one.recipe.still_uncertain_below


def test_talking_copies_of_stills_are_learned(trained: Path, sources: Sources, tmp_path: Path) -> None:
    """With a file of mouth motion, the layer differs from that without, and the card says so."""
    stills = Stills(sources.stills).training()
    points = (kept(face()) * 16 + [23.5, 20, 0]).astype(np.float32)
    offsets = np.stack([kept(face(0.1 * (frame % 4))) - kept(face()) for frame in range(10)])
    motions = Motions(offsets[np.newaxis].astype(np.float32), np.zeros(1, np.int64), kept(face()).astype(np.float32))
    count = len(stills.images)
    motion = MouthMotion(stills.digest(), np.arange(count), np.repeat(points[np.newaxis], count, axis=0), motions)
    motion.save(tmp_path / "motion.npz")
    folder = without_second_trunk(SHIPPED, tmp_path / "model")
    add_second_trunk(folder, replace(sources, mouth_motion=tmp_path / "motion.npz", evaluated=None))
    plain, learned = (np.load(path / SECOND_HEAD) for path in (trained, folder))
    assert plain.shape == learned.shape
    assert np.isfinite(learned).all()
    assert not np.allclose(plain, learned)
    cards = [(path / CARD).read_text(encoding="utf-8") for path in (trained, folder)]
    assert ["talking copies" in card for card in cards] == [False, True]


def test_copies_have_the_motion_of_a_clip(sources: Sources) -> None:
    """Each has mean features of all crops of the network, and of those that the second trunk sees."""
    stills = Stills(sources.stills).training()
    network, seen = keras_file.load(SHIPPED / H5), []

    def second(crops: Image) -> Floats:
        seen.append(crops)
        return np.asarray(crops.mean(axis=(1, 2)), np.float32)[:, np.newaxis]

    points = (kept(face()) * 16 + [23.5, 20, 0]).astype(np.float32)
    offsets = np.zeros((1, 10, *points.shape), np.float32)
    motions = Motions(offsets, np.zeros(1, np.int64), kept(face()).astype(np.float32))
    motion = MouthMotion(stills.digest(), np.array([3, 5]), np.stack([points, points]), motions)
    copies = copies_of(network, second, FACE_API_CROPS, stills, motion, 2)
    assert sorted(copies.stills.tolist()) == [3, 5]
    assert seen[0].shape == (8, 112, 112)
    assert copies.first == pytest.approx(still_features(network, stills.images[copies.stills]), abs=0.05)
    assert copies.second[:, 0] == pytest.approx(stills.images[copies.stills].mean(axis=(1, 2)), abs=2)


def test_the_calibrated_temperature_fits_the_sum(trained: Path, sources: Sources) -> None:
    """Where the gate is open, the served logits are the scaled sum of both layers, to which the temperature fits."""
    clips = load_clips(sources.clips[0], RECIPE)
    folder = open_model_folder(trained)
    seen = seen_by_both(trained, PooledTrunk(face_api_weights(sources.teachers)), clips)
    engine = load_engine(engine_options(Settings(model=trained)))
    assert isinstance(engine.second_trunk, SecondTrunk)
    assert clips.second is not None
    second = clips.second.split(engine.second_trunk.features(clips.second.crops))
    assert seen.served.gates is not None
    served = seen.served.logits + seen.served.gates[:, None] * engine.second_trunk.correction(seen.served.means, second)
    assert seen.corrected(np.load(folder.second_head)) == pytest.approx(served, abs=1e-3)


def test_the_command_can_be_repeated(trained: Path, sources: Sources, tmp_path: Path) -> None:
    """A second run replaces the trunk: the same layer, recipe and card."""
    shutil.copytree(trained, tmp_path / "again")
    add_second_trunk(tmp_path / "again", sources, "9.9")
    one, other = (open_model_folder(folder).manifest for folder in (trained, tmp_path / "again"))
    assert other.recipe == one.recipe
    assert other.files[CARD] == one.files[CARD]


def test_predictions_relative_to_a_baseline_use_both_trunks(trained: Path, sources: Sources, tmp_path: Path) -> None:
    """The layer reads the features of both trunks, and is served; clips without the crops use the first trunk alone."""
    shutil.copytree(trained, tmp_path / "model")
    for clips, width in ((sources.clips[0], 2 * (144 + 4)), (write_clips(tmp_path / "x.npz", 4, second=False), 288)):
        learn_relative(tmp_path / "model", clips)
        engine = load_engine(engine_options(Settings(model=tmp_path / "model")))
        assert engine.relative is not None
        assert engine.relative.width == width
    card = (tmp_path / "model" / CARD).read_text(encoding="utf-8")
    assert card.index(SECOND_TRUNK_HEADING) < card.index(RELATIVE_HEADING)


def test_judge_uses_the_trunk_or_says_so(
    trained: Path, sources: Sources, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Clips with crops are classified with the second trunk; clips without them are not, with a note."""
    plain = without_second_trunk(trained, tmp_path / "plain")
    with_trunk, without = (judge(folder, sources.clips[0], tmp_path / "report") for folder in (trained, plain))
    assert with_trunk[SERVED] != without[SERVED]
    assert "measured without its second trunk" not in capsys.readouterr().err
    save_clips(replace(load_clips(sources.clips[0], RECIPE), second=None), RECIPE, tmp_path / "old.npz")
    assert judge(trained, tmp_path / "old.npz", tmp_path / "report")[SERVED] == without[SERVED]
    assert "measured without its second trunk: the clips lack the crops" in capsys.readouterr().err


def test_export_removes_the_trunk_of_another_network(trained: Path, tmp_path: Path) -> None:
    """A network that is exported into the folder does not keep the second trunk that was trained beside another one."""
    shutil.copytree(trained, tmp_path / "model")
    run = RunFolder(tmp_path / "run").create()
    shutil.copyfile(trained / "3dcnn_emotion_model.h5", run.network)
    export(run.path, tmp_path / "model", Release("other", "1"))
    folder = open_model_folder(tmp_path / "model")
    assert folder.manifest.second_trunk is None
    assert not folder.second_trunk.exists()
    assert not folder.second_head.exists()


def test_clips_without_crops_are_refused(sources: Sources, tmp_path: Path) -> None:
    """The calibration needs the crops: a file of an earlier version is refused before anything is changed."""
    folder = without_second_trunk(SHIPPED, tmp_path / "model")
    before = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    old = write_clips(tmp_path / "old.npz", 5, second=False)
    with pytest.raises(TrainingDataError, match="lack the crops for the second trunk"):
        add_second_trunk(folder, Sources(sources.teachers, sources.stills, sources.talking, [old]))
    assert json.loads((folder / "manifest.json").read_text(encoding="utf-8")) == before


def test_too_few_people_and_undivided_folders_are_refused(sources: Sources, tmp_path: Path) -> None:
    """The calibration is cross-validated over people, and the correction needs the gate of a divided network."""
    folder = without_second_trunk(SHIPPED, tmp_path / "model")
    few = write_clips(tmp_path / "few.npz", 2)
    with pytest.raises(ConfigurationError, match="have 2 people; at least 4 are needed"):
        add_second_trunk(folder, Sources(sources.teachers, sources.stills, sources.talking, [few]))
    manifest = open_model_folder(folder).manifest
    files = {name: digest for name, digest in manifest.files.items() if name != HEAD}
    write_manifest(folder, manifest.model_copy(update={"files": files}))
    with pytest.raises(ConfigurationError, match="export it again"):
        add_second_trunk(folder, sources)


def test_crops_stay_with_their_clips(tmp_path: Path) -> None:
    """Selecting, joining, writing and reading clips keeps the crops of each."""
    one, other = (load_clips(write_clips(tmp_path / f"{name}.npz", 2), RECIPE) for name in "ab")
    both = joined([one, other]).take(np.array([13, 2, 4, 0]))
    assert one.second is not None
    assert other.second is not None
    assert both.second is not None
    save_clips(both, RECIPE, tmp_path / "both.npz")
    again = load_clips(tmp_path / "both.npz", RECIPE).second
    assert again is not None
    assert again.counts.tolist() == [4, 4, 0, 4]
    expected = [other.second.split(other.second.crops)[1], *(one.second.split(one.second.crops)[i] for i in (2, 4, 0))]
    assert np.array_equal(again.crops, np.concatenate(expected))


@pytest.mark.parametrize("counts", [np.full(12, 4), np.full(11, 1), np.full(12, -1), np.full(12, 1.0)])
def test_inconsistent_crops_are_refused(tmp_path: Path, counts: np.ndarray) -> None:
    """A file whose crops do not fit its clips is refused."""
    path = write_clips(tmp_path / "clips.npz", 2)
    with np.load(path) as arrays:
        values = dict(arrays.items())
    np.savez(path, **{**values, "second_counts": counts})
    with pytest.raises(TrainingDataError, match=r"crops for a second trunk in .* do not fit"):
        load_clips(path, RECIPE)


def test_the_hash_of_the_network_is_in_the_trunk(trained: Path) -> None:
    """A second trunk cannot be moved to the folder of another network."""
    import onnx

    metadata = {entry.key: entry.value for entry in onnx.load(open_model_folder(trained).second_trunk).metadata_props}
    assert metadata["made_from"] == open_model_folder(trained).manifest.files[ONNX]
