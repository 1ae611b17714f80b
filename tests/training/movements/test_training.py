"""Training of movements on synthetic examples: the head, its ONNX form, speaking and the agreement."""

from pathlib import Path

import numpy as np
import pytest

from duygu.shared.errors import TrainingDataError
from duygu.shared.model.movement_folder import LIPS, CropChoice
from duygu.training.movements.agreement import FRAMES, correlations, window_means
from duygu.training.movements.examples import MOUTH, Examples
from duygu.training.movements.landmarker import BLENDSHAPE_INPUTS, NAMES, lips
from duygu.training.movements.speaking import SpokenWindows, area_under_curve, sound_delay, train_speaking


def examples(count: int = 40, clips: int = 2) -> Examples:
    """Return examples of random targets, without pictures."""
    random = np.random.default_rng(3)
    targets = random.normal(size=(count, len(NAMES) + 3 + LIPS)).astype(np.float32)
    clip = np.repeat(np.arange(clips), count // clips)
    shapes, mouth = (random.normal(size=(count, width)).astype(np.float32) for width in (8, MOUTH.values))
    times = np.tile(np.arange(count // clips) / 10, clips).astype(np.float32)
    names = np.array([f"{n}-a" for n in range(clips)])
    return Examples(np.zeros((count, 1, 1), np.uint8), targets, shapes, mouth, clip, times, names)


def test_the_reference_has_its_networks_inputs_and_outputs() -> None:
    """The blendshape network reads 146 different landmarks and has 52 outputs, each name once."""
    assert len(set(BLENDSHAPE_INPUTS)) == len(BLENDSHAPE_INPUTS) == 146
    assert len(set(NAMES)) == len(NAMES) == 52


def test_correlation_is_pearsons() -> None:
    """The correlation equals numpy's, and is 0 for a constant."""
    random = np.random.default_rng(1)
    a, b = random.normal(size=(2, 50, 3)).astype(np.float32)
    b[:, 2] = 4
    found = correlations(a, b)
    assert found[:2] == pytest.approx([np.corrcoef(a[:, n], b[:, n])[0, 1] for n in (0, 1)], abs=1e-5)
    assert found[2] == 0


def test_windows_lie_within_one_clip() -> None:
    """No window spans two clips, and each has ten frames."""
    known = examples()
    for rows in known.windows(FRAMES, 5):
        assert len(rows) == FRAMES
        assert len(set(known.clip[rows])) == 1
    assert len(window_means(known.targets, known)) == 6


def test_examples_survive_their_file(tmp_path: Path) -> None:
    """Examples are the same after they were stored; another file is an error that names it."""
    known = examples()
    known.save(tmp_path / "known.npz")
    read = Examples.load(tmp_path / "known.npz")
    assert (read.targets == known.targets).all()
    assert (read.names == known.names).all()
    (tmp_path / "other.npz").write_bytes(b"none")
    with pytest.raises(TrainingDataError, match=r"other\.npz"):
        Examples.load(tmp_path / "other.npz")


def test_the_area_counts_pairs_in_order() -> None:
    """The area is the share of pairs in which the positive example has the higher score, ties counting half."""
    scores, positive = np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, True, False, True])
    assert area_under_curve(scores, positive) == pytest.approx(3.5 / 4)


def test_means_are_over_the_processed_crops() -> None:
    """A window has the mean of the crops at the sampling times of the pattern, wherever it begins."""
    known = examples()
    values = np.rint(known.time_s * 10)[:, np.newaxis]
    assert window_means(values, known, CropChoice(period=5, places=(1, 3)))[:, 0].tolist() == [4.5, 9.5, 14.5] * 2
    assert window_means(values, known, CropChoice(period=100, places=(99,)))[:, 0].tolist() == [0, 5, 10] * 2
    assert window_means(values, known)[:, 0].tolist() == [4.5, 9.5, 14.5] * 2


def test_speaking_is_learned_from_a_moving_mouth() -> None:
    """Mouths that move while there is speech are distinguished from mouths at rest, in people of other folds."""
    random = np.random.default_rng(5)
    speech = random.random(300) > 0.5
    motion = np.where(speech, 20, 1)[:, np.newaxis, np.newaxis] * random.normal(size=(300, FRAMES, MOUTH.values))
    face = 100 + 40 * random.normal(size=MOUTH.values)
    windows = SpokenWindows(
        (face + motion).astype(np.float32), np.where(speech, 0.9, 0.1), np.array([f"p{n % 6}" for n in range(300)])
    )
    assert train_speaking(windows).auc > 0.95
    still = SpokenWindows(np.full((300, FRAMES, MOUTH.values), 9, np.float32), windows.share, windows.person)
    assert train_speaking(still).auc == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize("delay_s", [-0.2, 0.0, 0.15])
def test_the_delay_of_the_sound_is_found(delay_s: float) -> None:
    """Speech is heard later than the jaw moves by the delay; recordings without sound do not count."""
    random = np.random.default_rng(3)
    times = np.arange(120) / 10
    talks = np.sin(times * 2) > 0
    jaw = 0.3 + 0.2 * talks * random.normal(size=(2, len(times)))
    targets = np.zeros((2 * len(times), 60), np.float32)
    targets[:, NAMES.index("jawOpen")] = jaw.ravel()
    heard = np.sin((np.arange(1500) / 100 - delay_s) * 2) > 0
    examples = Examples(
        np.zeros((2 * len(times), 1, 1), np.uint8),
        targets,
        np.zeros((2 * len(times), 8), np.float32),
        np.zeros((2 * len(times), MOUTH.values), np.float32),
        np.repeat([0, 1], len(times)),
        np.tile(times, 2).astype(np.float32),
        np.array(["heard", "mute"]),
    )
    assert sound_delay(examples, {"heard": heard, "mute": None}) == pytest.approx(delay_s, abs=0.051)
    assert sound_delay(examples, {}) == 0.0


def test_distances_of_lips_are_relative_to_the_eyes() -> None:
    """An enlarged face has the same distances."""
    points = np.random.default_rng(2).normal(size=(478, 3))
    assert lips(points * 3) == pytest.approx(lips(points))
