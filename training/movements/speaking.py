"""Speaking: the sound of a recording says when its only person speaks, the mouth has to tell it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

from duygu.shared.model.movement_folder import SpeakingModel
from duygu.shared.vision.classify.movements import OUTERMOST, mouth_statistics
from duygu.shared.vision.types import Floats
from duygu.training.data.frames import VIDEOS, ends_with
from duygu.training.movements.agreement import FRAMES
from duygu.training.movements.examples import MOUTH, Examples
from duygu.training.movements.landmarker import NAMES
from duygu.training.run.command import note

RATE_HZ, STEP = 16_000, 160
"""Sampling rate of the sound, and samples per value of its energy: 10 ms."""

BAND_HZ = 200.0, 3600.0
"""The frequencies of a voice."""

MIN_LEVEL_DB, MIN_CONTRAST_DB, BELOW_PEAK_DB, SHARE = -40.0, 15.0, 22.0, 0.35
"""A recording needs this peak and contrast. Speech is what is at most BELOW_PEAK_DB below its peak and above SHARE of
the way from its background to the peak."""

SPEAKS, SILENT = 0.7, 0.2
"""A window in which more than SPEAKS of the time has speech is a positive example, one with less than SILENT a negative
one. Those between are neither."""

DELAYS_S = np.arange(-6, 11) * 0.05
"""Delays of the sound that are compared. Lips move before the sound is heard, by about a tenth of a second
(Chandrasekaran et al. 2009, "The natural statistics of audiovisual speech"), and recordings add a delay of their own.
"""

FLOOR, PENALTY, FOLDS = 0.05, 0.02, 5


@dataclass(frozen=True, slots=True)
class SpokenWindows:
    """Windows with the grey levels of the mouth and the share of time with speech."""

    mouth: Floats  # (N, 10, MOUTH.values)
    share: Floats  # (N,)
    person: Any  # (N,)


def spoken_windows(examples: Examples, folder: Path, person_of: Any, stride: int = 1) -> SpokenWindows:
    """The windows of recordings whose sound tells speech from silence.

    folder     of the recordings
    person_of  from the name of a recording to its person
    """
    files = {path.stem: path for path in folder.iterdir() if ends_with(path, VIDEOS)}
    speech = {name: speech_of(files[name]) for name in map(str, examples.names) if name in files}
    delay_s = sound_delay(examples, speech)
    note(f"The sound of {folder.name} follows the jaw by {delay_s:.2f} s")
    found = []
    for rows in examples.windows(FRAMES, stride):
        name = str(examples.names[examples.clip[rows[0]]])
        heard = speech.get(name)
        if heard is not None:
            found.append(
                (
                    examples.mouth[rows],
                    np.mean([_share(heard, float(examples.time_s[row]) + delay_s) for row in rows]),
                    person_of(name),
                )
            )
    columns = [np.array(column) for column in zip(*found, strict=True)] or [
        np.zeros((0, FRAMES, MOUTH.values)),
        np.zeros(0),
        np.zeros(0),
    ]
    return SpokenWindows(*columns)


def sound_delay(examples: Examples, speech: Mapping[str, Any]) -> float:
    """The delay of the sound in seconds at which speech correlates best with the motion of the reference's jaw.

    speech  by the name of a recording, as `speech_of` returns it
    """
    moved = [_jaw(examples, clip, speech.get(str(name))) for clip, name in enumerate(examples.names)]
    known = [one for one in moved if one is not None]
    if not known:
        return 0.0
    return float(
        DELAYS_S[int(np.argmax([np.mean([_agreement(*one, delay_s) for one in known]) for delay_s in DELAYS_S]))]
    )


def _jaw(examples: Examples, clip: int, heard: Any) -> tuple[Any, Any, Any] | None:
    """Times (n,), motion of the jaw (n,) and speech of a recording; None for one that is too short or without sound."""
    rows = np.flatnonzero(examples.clip == clip)
    if heard is None or len(rows) <= FRAMES:
        return None
    time_s, jaw = examples.time_s[rows], examples.targets[rows, NAMES.index("jawOpen")]
    return (time_s[1:] + time_s[:-1]) / 2, np.abs(np.diff(jaw)), heard


def _agreement(time_s: Any, motion: Any, heard: Any, delay_s: float) -> float:
    """Correlation of the motion with the speech that is heard later; 0 where one of them does not change."""
    share = np.array([_share(heard, float(time) + delay_s) for time in time_s])
    return float(np.corrcoef(motion, share)[0, 1]) if motion.std() > 0 and share.std() > 0 else 0.0


def _share(speech: Any, time_s: float) -> float:
    part = speech[max(round((time_s - 0.05) * 100), 0) : max(round((time_s + 0.05) * 100), 0)]
    return float(part.mean()) if len(part) else 0.0


def speech_of(path: Path) -> Any:
    """Whether there is speech in each 10 ms of a recording; None without sound or contrast."""
    from scipy.ndimage import binary_closing, binary_opening, uniform_filter1d
    from scipy.signal import butter, sosfilt

    samples = _samples(path)
    if len(samples) < RATE_HZ // 2:
        return None
    voice = sosfilt(butter(4, BAND_HZ, "band", fs=RATE_HZ, output="sos"), samples)
    energy = (voice[: len(voice) // STEP * STEP].reshape(-1, STEP) ** 2).mean(1)
    level = uniform_filter1d(10 * np.log10(energy + 1e-9), 5)
    low, high = np.percentile(level, [10, 95])
    if high < MIN_LEVEL_DB or high - low < MIN_CONTRAST_DB:
        return None
    loud = level > max(high - BELOW_PEAK_DB, low + SHARE * (high - low))
    return binary_opening(binary_closing(loud, np.ones(31)), np.ones(9))


def _samples(path: Path) -> Floats:
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return np.zeros(0, np.float32)
        resampler = av.AudioResampler("flt", "mono", RATE_HZ)
        parts = [part.to_ndarray()[0] for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def train_speaking(windows: SpokenWindows) -> SpeakingModel:
    """Logistic regression with balanced classes; the area under its ROC curve is of people in other folds."""
    sure = (windows.share > SPEAKS) | (windows.share < SILENT)
    values = mouth_statistics(windows.mouth[sure].astype(np.float64), FLOOR)
    speaks, person = windows.share[sure] > SPEAKS, windows.person[sure]
    scores, people = np.zeros(len(values)), np.unique(person)
    for fold in range(FOLDS):
        left_out = np.isin(person, people[fold::FOLDS])
        if left_out.any():
            scores[left_out] = _logits(_fit(values[~left_out], speaks[~left_out]), values[left_out])
    mean, deviation, weights, bias = _fit(values, speaks)
    auc = round(area_under_curve(scores, speaks), 4)
    return SpeakingModel(
        mouth=MOUTH,
        floor=FLOOR,
        mean=mean.tolist(),
        deviation=deviation.tolist(),
        weights=weights.tolist(),
        bias=bias,
        auc=auc,
    )


def area_under_curve(scores: Any, positive: Any) -> float:
    """Area under the ROC curve, by ranks (Mann and Whitney 1947)."""
    from scipy.stats import rankdata

    count = int(positive.sum())
    ranks = rankdata(scores)[positive].sum()
    return float((ranks - count * (count + 1) / 2) / (count * (len(scores) - count)))


def _logits(model: tuple[Any, Any, Any, float], values: Any) -> Any:
    mean, deviation, weights, bias = model
    return np.clip((values - mean) / deviation, -OUTERMOST, OUTERMOST) @ weights + bias


def _fit(values: Any, positive: Any) -> tuple[Any, Any, Any, float]:
    from scipy.optimize import minimize

    mean, deviation = values.mean(0), values.std(0) + 1e-4
    scaled = np.column_stack([(values - mean) / deviation, np.ones(len(values))])
    weight = np.where(positive, 0.5 / positive.mean(), 0.5 / (1 - positive.mean()))

    def loss(parameters: Any) -> tuple[float, Any]:
        logits = scaled @ parameters
        slope = weight * (1 / (1 + np.exp(-logits)) - positive)
        value = (weight * (np.logaddexp(0, logits) - positive * logits)).mean()
        inner = np.append(parameters[:-1], 0)
        return value + PENALTY * (inner**2).sum(), scaled.T @ slope / len(scaled) + 2 * PENALTY * inner

    best = minimize(loss, np.zeros(scaled.shape[1]), jac=True, method="L-BFGS-B").x
    return mean, deviation, best[:-1], float(best[-1])
