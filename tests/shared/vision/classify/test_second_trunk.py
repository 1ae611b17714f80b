"""The second trunk: which crops it processes, and how it corrects the prediction for moving faces."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from duygu.shared.config.engine import decode_limits, engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.errors import ModelError
from duygu.shared.model.folder import HEAD, SECOND_HEAD, SECOND_TRUNK, TRUNK, open_model_folder, write_manifest
from duygu.shared.vision import snapshots
from duygu.shared.vision.analysis import analyze_video
from duygu.shared.vision.analyzer import Analyzer, Step
from duygu.shared.vision.batching import classify
from duygu.shared.vision.classify.clips import Clip
from duygu.shared.vision.classify.crops import normalise
from duygu.shared.vision.classify.second_trunk import CropPattern, SecondTrunk
from duygu.shared.vision.engine import Engine, load_engine
from duygu.shared.vision.results import WindowLogits
from duygu.shared.vision.types import Floats, GatedClassifier, Image
from tests.support.engines import SHIPPED, engine_of
from tests.support.media.frames import frames_of
from tests.support.media.videos import LEAVING, PAN, STILL, Scene, VideoMaker
from tests.support.second_trunk import (
    FIRST,
    SECOND,
    SETTINGS,
    describe,
    save_trunk,
    with_second_trunk,
    without_second_trunk,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network that ships, with a small second trunk."""
    return with_second_trunk(SHIPPED, tmp_path_factory.mktemp("models") / "second")


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    """The same, for a test that damages it."""
    return with_second_trunk(SHIPPED, tmp_path / "own")


@pytest.fixture(scope="module")
def served(folder: Path) -> Engine:
    """The engine with the second trunk."""
    return engine_of(folder)


@pytest.fixture(scope="module")
def plain(served: Engine) -> Engine:
    """The engine without the second trunk."""
    return replace(served, second_trunk=None)


def noise(seed: int = 0) -> Clip:
    """A clip that moves, with features of three crops by the second trunk."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 255, (10, 48, 48), np.uint8)
    return Clip(0.0, 1.0, images, (), second=random.random((3, SECOND)).astype(np.float32))


def windows_of(engine: Engine, scene: Scene) -> list[WindowLogits]:
    """The windows of a scene."""
    analyzer = Analyzer(engine)
    steps: list[Step] = [*map(analyzer.push, frames_of(scene)), analyzer.finish()]
    return [window for step in steps for window in step.windows]


def test_every_window_of_two_periods_has_the_same_number_of_crops() -> None:
    """Wherever ten sampling times begin, four of them are processed."""
    pattern = CropPattern(SETTINGS)
    assert {sum(pattern.includes(tick) for tick in range(begin, begin + 10)) for begin in range(20)} == {4}


@pytest.mark.parametrize(("usual_ticks", "step"), [(2.0, 2), (5.0, 5), (10.0, 10)])
def test_crops_of_slow_sources_stand_for_the_sampling_times_until_the_next(usual_ticks: float, step: int) -> None:
    """A source of fewer frames has processed crops in each window, although no frame may fall on their times."""
    pattern = CropPattern(SETTINGS)
    for begin in range(0, 40, step):
        assert any(pattern.includes(tick, usual_ticks) for tick in range(begin, begin + 10, step))


def test_a_moving_face_is_corrected_in_proportion_to_its_gate(served: Engine, plain: Engine) -> None:
    """The difference to the plain logits is the gate times the layer on the mean features of both trunks."""
    clip = noise()
    (new,), (old,) = classify(served, [(1, clip)]), classify(plain, [(1, clip)])
    trunk = served.second_trunk
    assert isinstance(trunk, SecondTrunk)
    assert clip.second is not None
    assert isinstance(served.classifier, GatedClassifier)
    _, gates, means = served.classifier.gated(normalise(clip.images[np.newaxis], served.recipe))
    assert gates[0] > 0.5
    expected = gates[0] * trunk.correction(means, [clip.second])[0]
    assert np.abs(expected).max() > 0.1
    assert new.logits - old.logits == pytest.approx(expected, abs=1e-4)


def test_a_repeated_picture_has_the_prediction_of_the_first_trunk(served: Engine, plain: Engine) -> None:
    """The gate of a still face is exactly zero, whatever the second trunk sees."""
    clip = noise()
    still = replace(clip, images=np.repeat(clip.images[:1], 10, axis=0))
    (new,), (old,) = classify(served, [(1, still)]), classify(plain, [(1, still)])
    assert new.logits.tolist() == old.logits.tolist()


def test_a_window_without_processed_crops_has_the_prediction_of_the_first_trunk(served: Engine, plain: Engine) -> None:
    """Without features by the second trunk, the first one classifies alone."""
    clip = replace(noise(), second=None)
    (new,), (old,) = classify(served, [(1, clip)]), classify(plain, [(1, clip)])
    assert new.logits.tolist() == old.logits.tolist()


@pytest.mark.parametrize("scene", [PAN, LEAVING, STILL])
def test_every_window_of_a_video_has_features(served: Engine, plain: Engine, scene: Scene) -> None:
    """Windows of faces that move, leave and stay have one to six rows; the windows are those without the trunk."""
    found = windows_of(replace(served, keeps_features=True), scene)
    expected = windows_of(plain, scene)
    assert [(window.face_id, window.start_s, window.end_s) for window in found] == [
        (window.face_id, window.start_s, window.end_s) for window in expected
    ]
    assert found
    for window in found:
        assert window.second is not None
        assert 1 <= len(window.second) <= 6
        assert np.isfinite(window.second).all()


def test_faces_beyond_the_border_and_without_pixels_are_cut(served: Engine) -> None:
    """A box outside of the frame, beyond its border or of no size gives a crop, not an error."""
    frame = next(iter(frames_of(STILL)))
    trunk = served.second_trunk
    assert trunk is not None
    landmarks = np.zeros((5, 2), np.float32)
    for box in ([-500, -500, -400, -400], [-20, -20, 30, 30], [10, 10, 10, 10], [0, 0, 5000, 5000], [9, 9, 9.5, 9.5]):
        crop = trunk.cut(frame, np.array(box, np.float32), landmarks)
        assert crop.shape == (SETTINGS.size, SETTINGS.size)
        assert trunk.features(crop[np.newaxis]).shape == (1, SECOND)
    assert trunk.features(np.zeros((0, SETTINGS.size, SETTINGS.size), np.uint8)).shape == (0, SECOND)


def test_features_in_the_background_are_the_same(served: Engine) -> None:
    """An analyzer with a background thread gives the same windows with the same features, in the same order."""
    engine = replace(served, keeps_features=True)
    with ThreadPoolExecutor(1) as background:
        later, at_once = Analyzer(engine, batch=4, background=background), Analyzer(engine, batch=4)
        found, expected = (
            [window for frame in frames_of(PAN) for window in analyzer.push(frame).windows]
            + list(analyzer.finish().windows)
            for analyzer in (later, at_once)
        )
    assert len(found) > 1
    for one, other in zip(found, expected, strict=True):
        assert (one.face_id, one.start_s) == (other.face_id, other.start_s)
        assert np.array_equal(one.logits, other.logits)
        assert one.second is not None
        assert other.second is not None
        assert np.array_equal(one.second, other.second)


def test_features_are_computed_once_for_overlapping_windows(served: Engine) -> None:
    """Beside a background thread, the second trunk processes each crop once, with its windows instead of its frame."""

    class Counting(CropPattern):
        """Counts its crops."""

        count = 0

        def features(self, crops: Image) -> Floats:
            """Count the crops."""
            self.count += len(crops)
            return super().features(crops)

    counts = []
    with ThreadPoolExecutor(1) as background:
        for executor in (None, background):
            trunk = Counting(SETTINGS)
            analyzer = Analyzer(replace(served, second_trunk=trunk), batch=1000, background=executor)
            for frame in frames_of(PAN):
                analyzer.push(frame)
            before = trunk.count
            analyzer.finish()
            counts.append((before, trunk.count))
    (at_once, whole), (before, later) = counts
    assert at_once == whole == later > 2
    assert not before


def test_an_error_of_the_second_trunk_in_the_background_is_raised(served: Engine) -> None:
    """An analysis ends with the error that the second trunk raises in the background thread."""

    class Failing(CropPattern):
        """Fails on every crop."""

        def features(self, crops: Image) -> Floats:
            """Raise."""
            raise MemoryError

    engine = replace(served, second_trunk=Failing(SETTINGS))
    with ThreadPoolExecutor(1) as background:
        analyzer = Analyzer(engine, batch=1000, background=background)
        for frame in frames_of(PAN):
            analyzer.push(frame)
        with pytest.raises(MemoryError):
            analyzer.finish()


def test_a_snapshot_keeps_the_features(served: Engine) -> None:
    """An analyzer that is saved and restored after each frame gives the same logits."""
    frames = list(frames_of(PAN))
    analyzer, other = Analyzer(served), Analyzer(served)
    steps, others = [], []
    for frame in frames:
        steps.append(analyzer.push(frame))
        others.append(other.push(frame))
        other = snapshots.restore(served, snapshots.save(other))
    steps.append(analyzer.finish())
    others.append(other.finish())
    one, two = ([window.logits for step in part for window in step.windows] for part in (steps, others))
    assert len(one) > 1
    assert np.stack(one) == pytest.approx(np.stack(two), abs=1e-5)


def test_snapshots_are_exchanged_with_engines_without_the_trunk(served: Engine, plain: Engine) -> None:
    """A state without features is restored with the trunk, and one with features without it."""
    frames = list(frames_of(PAN))
    for before, after in ((plain, served), (served, plain)):
        analyzer = Analyzer(before, batch=100)
        for frame in frames[:45]:
            analyzer.push(frame)
        restored = snapshots.restore(after, snapshots.save(analyzer))
        windows = [window for frame in frames[45:] for window in restored.push(frame).windows]
        assert windows + list(restored.finish().windows)


def test_a_folder_without_second_trunk_is_served_as_before(tmp_path: Path, video_maker: VideoMaker) -> None:
    """A folder of an earlier version has no second trunk, and its predictions are those of its network."""
    settings = Settings(model=without_second_trunk(SHIPPED, tmp_path / "old"), threads=1)
    engine = load_engine(engine_options(settings))
    assert engine.second_trunk is None
    result = analyze_video(video_maker.make(STILL), engine, decode_limits(settings))
    assert result.faces
    assert result.faces[0].windows[0].relative_logits is None


def foreign(folder: Path) -> None:
    """A trunk that was trained beside another network."""
    save_trunk(folder, "0" * 64)


def damaged(folder: Path) -> None:
    """A trunk that is no network."""
    (folder / SECOND_TRUNK).write_bytes(b"no network")


def of_another_size(folder: Path) -> None:
    """A trunk that takes other crops."""
    save_trunk(folder, open_model_folder(folder).manifest.files["3dcnn_emotion_model.onnx"], size=32)


def too_few_rows(folder: Path) -> None:
    """A layer that reads fewer features than the second trunk has."""
    np.save(folder / SECOND_HEAD, np.zeros((SECOND, 7), np.float32))


def of_another_first_trunk(folder: Path) -> None:
    """A layer that reads more features than the first trunk has."""
    np.save(folder / SECOND_HEAD, np.zeros((FIRST + SECOND + 2, 7), np.float32))


def of_integers(folder: Path) -> None:
    """A layer of whole numbers."""
    np.save(folder / SECOND_HEAD, np.zeros((FIRST + SECOND + 1, 7), np.int64))


def truncated(folder: Path) -> None:
    """A layer whose file ends early."""
    content = (folder / SECOND_HEAD).read_bytes()
    (folder / SECOND_HEAD).write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (foreign, "trained beside a network other than"),
        (damaged, SECOND_TRUNK),
        (of_another_size, "rejects crops of 24 x 24 pixels"),
        (too_few_rows, r"has the shape \(16, 7\)"),
        (of_another_first_trunk, "reads 145 features of the first trunk, which has 144"),
        (of_integers, "expected more than 17 rows and 7 columns of floats"),
        (truncated, f"{SECOND_HEAD} in .* cannot be read"),
    ],
)
def test_a_trunk_that_does_not_fit_is_refused(own_folder: Path, damage: Callable[[Path], None], complaint: str) -> None:
    """A second trunk or layer that is damaged, or belongs to another network, stops the start with ModelError."""
    damage(own_folder)
    describe(own_folder)
    with pytest.raises(ModelError, match=complaint):
        engine_of(own_folder)


def test_a_changed_file_is_refused(own_folder: Path) -> None:
    """A layer that differs from the hash in the manifest is refused."""
    too_few_rows(own_folder)
    with pytest.raises(ModelError, match="does not match the SHA-256"):
        engine_of(own_folder)


@pytest.mark.parametrize("name", [SECOND_TRUNK, SECOND_HEAD, TRUNK, HEAD])
def test_a_manifest_without_a_needed_file_is_refused(own_folder: Path, name: str) -> None:
    """A manifest that describes a second trunk must list its files, and trunk and head of the network."""
    manifest = open_model_folder(own_folder).manifest
    files = {key: sha for key, sha in manifest.files.items() if key != name}
    write_manifest(own_folder, manifest.model_copy(update={"files": files}))
    with pytest.raises(ModelError, match="incomplete"):
        open_model_folder(own_folder)
