"""The adaptive temperature: by what the logits of moving faces are multiplied, and which files are refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from duygu.shared.config.engine import decode_limits
from duygu.shared.config.settings import Settings
from duygu.shared.errors import ModelError
from duygu.shared.model.folder import FEATURE_STATISTICS, HEAD, MANIFEST, TRUNK, open_model_folder, write_manifest
from duygu.shared.model.recipe import Recipe
from duygu.shared.schemas.result import Flag
from duygu.shared.vision.analysis import analyze_video
from duygu.shared.vision.batching import classify
from duygu.shared.vision.classify.adaptive_temperature import AdaptiveTemperature, FeatureStatistics
from duygu.shared.vision.classify.clips import Clip
from duygu.shared.vision.classify.crops import normalise
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.types import Floats, GatedClassifier
from tests.support.adaptive_temperature import SETTINGS, save_statistics, with_adaptive_temperature
from tests.support.engines import SHIPPED, engine_of
from tests.support.media.videos import PAN, VideoMaker
from tests.support.second_trunk import FIRST


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first trunk of the network that ships, with an adaptive temperature."""
    return with_adaptive_temperature(SHIPPED, tmp_path_factory.mktemp("models") / "adaptive")


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    """The same, for a test that damages it."""
    return with_adaptive_temperature(SHIPPED, tmp_path / "own")


@pytest.fixture(scope="module")
def served(folder: Path) -> Engine:
    """The engine with the adaptive temperature."""
    return engine_of(folder)


@pytest.fixture(scope="module")
def plain(served: Engine) -> Engine:
    """The engine with one temperature for all windows."""
    return replace(served, adaptive_temperature=None)


def noise(seed: int = 0) -> Clip:
    """A clip that moves."""
    images = np.random.default_rng(seed).integers(0, 255, (10, 48, 48), np.uint8)
    return Clip(0.0, 1.0, images, ())


class WholeClips:
    """A classifier of whole clips, as that of the reference engine, that also returns gates and mean features."""

    def __init__(self, classifier: GatedClassifier) -> None:
        self._classifier = classifier

    @property
    def recipe(self) -> Recipe:
        """The recipe of the clips."""
        return self._classifier.recipe

    def logits(self, clips: Floats) -> Floats:
        """Logits of clips."""
        return self._classifier.logits(clips)

    def gated(self, clips: Floats) -> tuple[Floats, Floats, Floats]:
        """Logits, gates and mean features of clips."""
        return self._classifier.gated(clips)


def test_the_distance_is_the_mean_squared_deviation() -> None:
    """In deviations of each feature; a face with typical features has a distance with a logarithm."""
    statistics = FeatureStatistics(np.array([1.0, 2.0], np.float32), np.array([1.0, 2.0], np.float32))
    far, typical = statistics.distances(np.array([[4.0, 4.0], [1.0, 2.0]], np.float32)).tolist()
    assert far == pytest.approx((9 + 1) / 2)
    assert 0 < typical < 1e-5


def test_the_factor_stays_within_the_limits() -> None:
    """Distances beyond a limit have the factor of the limit."""
    statistics = FeatureStatistics(np.zeros(1, np.float32), np.ones(1, np.float32))
    adaptive = AdaptiveTemperature(statistics, SETTINGS.model_copy(update={"least": 0.25, "most": 4.0}))
    means = np.array([[0.01], [0.5], [1.0], [2.0], [50.0]], np.float32)
    factors = adaptive.factors(means, np.ones(5, np.float32))
    assert factors == pytest.approx(np.exp(0.2 - 0.3 * np.log([0.25, 0.25, 1.0, 4.0, 4.0])))
    half = adaptive.factors(means, np.full(5, 0.5, np.float32))
    assert half == pytest.approx(np.sqrt(factors))


@pytest.mark.parametrize("is_whole", [False, True])
def test_the_logits_of_a_moving_face_are_multiplied(served: Engine, plain: Engine, *, is_whole: bool) -> None:
    """By the factor of its features and gate, with trunk and head and by a classifier of whole clips."""
    clip, classifier = noise(), served.classifier
    assert isinstance(classifier, GatedClassifier)
    if is_whole:
        served, plain = (replace(engine, classifier=WholeClips(classifier)) for engine in (served, plain))
    (new,), (old,) = classify(served, [(1, clip)]), classify(plain, [(1, clip)])
    assert served.adaptive_temperature is not None
    _, gates, means = classifier.gated(normalise(clip.images[np.newaxis], served.recipe))
    assert gates[0] > 0.5
    factor = float(served.adaptive_temperature.factors(means, gates)[0])
    assert abs(factor - 1) > 0.05
    assert new.logits == pytest.approx(old.logits * factor, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize(("flag", "is_doubtful"), [(Flag.PROFILE, True), (Flag.BLURRED, True), (Flag.GAP, False)])
def test_a_badly_seen_face_has_no_more_confidence(
    served: Engine, plain: Engine, flag: Flag, *, is_doubtful: bool
) -> None:
    """A factor above 1 does not apply to a window with a flag of the picture or the pose; one below 1 does."""
    assert served.adaptive_temperature is not None
    for intercept, limited in ((3.0, is_doubtful), (-3.0, False)):
        settings = SETTINGS.model_copy(update={"intercept": intercept})
        engine = replace(served, adaptive_temperature=replace(served.adaptive_temperature, settings=settings))
        clip = replace(noise(), flags=(flag,))
        (new,), (old,) = classify(engine, [(1, clip)]), classify(plain, [(1, clip)])
        assert (new.logits.tolist() == old.logits.tolist()) == limited


def test_a_repeated_picture_has_its_logits_unchanged(served: Engine, plain: Engine) -> None:
    """The gate of a still face is exactly zero, so that its factor is exactly one."""
    clip = noise()
    still = replace(clip, images=np.repeat(clip.images[:1], 10, axis=0))
    (new,), (old,) = classify(served, [(1, still)]), classify(plain, [(1, still)])
    assert new.logits.tolist() == old.logits.tolist()


def test_a_video_is_analysed_with_it(served: Engine, plain: Engine, video_maker: VideoMaker) -> None:
    """The windows have the same emotions, and other confidences."""
    path = video_maker.make(PAN)
    new, old = (analyze_video(path, engine, decode_limits(Settings())) for engine in (served, plain))
    pairs = [
        (one, other)
        for ours, theirs in zip(new.faces, old.faces, strict=True)
        for one, other in zip(ours.windows, theirs.windows, strict=True)
    ]
    assert pairs
    assert [one.emotion for one, _ in pairs] == [other.emotion for _, other in pairs]
    assert any(one.confidence != other.confidence for one, other in pairs)


def test_a_folder_without_one_has_one_temperature(own_folder: Path) -> None:
    """A manifest of an earlier version, without the key, is read."""
    manifest = json.loads((own_folder / MANIFEST).read_text(encoding="utf-8"))
    del manifest["adaptive_temperature"], manifest["files"][FEATURE_STATISTICS]
    (own_folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    assert engine_of(own_folder).adaptive_temperature is None


def narrow(folder: Path) -> None:
    """Statistics of fewer features than the trunk has."""
    save_statistics(folder, np.ones((2, FIRST - 1), np.float32))


def third_row(folder: Path) -> None:
    """A row too many."""
    save_statistics(folder, np.ones((3, FIRST), np.float32))


def no_deviation(folder: Path) -> None:
    """A deviation of zero, by which a feature would be divided."""
    save_statistics(folder, np.zeros((2, FIRST), np.float32))


def truncated(folder: Path) -> None:
    """Half a file, with its hash in the manifest."""
    save_statistics(folder, np.ones((2, FIRST), np.float32))
    content = (folder / FEATURE_STATISTICS).read_bytes()[:60]
    (folder / FEATURE_STATISTICS).write_bytes(content)
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    manifest["files"][FEATURE_STATISTICS] = sha256(content).hexdigest()
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (narrow, f"{FEATURE_STATISTICS} has 143 features of the first trunk, which has 144"),
        (third_row, r"has the shape \(3, 144\)"),
        (no_deviation, "expected 2 rows of floats, means and deviations above 0"),
        (truncated, f"{FEATURE_STATISTICS} in .* cannot be read"),
    ],
)
def test_unsuitable_statistics_are_refused(own_folder: Path, damage: Callable[[Path], None], problem: str) -> None:
    """The engine does not start with statistics that do not fit the network."""
    damage(own_folder)
    with pytest.raises(ModelError, match=problem):
        engine_of(own_folder)


@pytest.mark.parametrize("name", [FEATURE_STATISTICS, TRUNK, HEAD])
def test_a_folder_without_its_files_is_refused(own_folder: Path, name: str) -> None:
    """The adaptive temperature needs the statistics, the trunk and the gate of the head."""
    manifest = open_model_folder(own_folder).manifest
    files = {file: digest for file, digest in manifest.files.items() if file != name}
    write_manifest(own_folder, manifest.model_copy(update={"files": files}))
    with pytest.raises(ModelError, match="is incomplete"):
        open_model_folder(own_folder)
