"""Published data sets in the layout of their authors: subject and emotion of each recording by file names.

Javanese  ACTOR-SENTENCE-EMOTION_TAKE.mp4 (2black0/video-emotion-recognition-javanese)
RAVDESS   **/MODALITY-CHANNEL-EMOTION-INTENSITY-SENTENCE-TAKE-ACTOR.mp4 (Livingstone and Russo 2018)
CK+       cohn-kanade-images/PERSON/SEQUENCE/*.png and Emotion*/PERSON/SEQUENCE/*_emotion.txt (Lucey et al. 2010)
AffectNet **/images/NUMBER.jpg and **/annotations/NUMBER_exp.npy (Mollahosseini et al. 2017)
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np

from duygu.shared.errors import TrainingDataError
from duygu.training.data.frames import PICTURES, VIDEOS, ends_with

NO_LABEL = ""
"""Emotion of a recording without a label."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a video, in seconds. A clip belongs to it if it contains the middle of the clip."""

    start_s: float
    end_s: float
    face: tuple[float, float] | None = None
    """Centre of the face in the middle of the part, as shares of width and height; None: the face seen longest."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A video or a part of it, a picture, or a folder of pictures in order, of one person with one emotion."""

    path: Path
    subject: str
    emotion: str  # one of EMOTIONS, contempt, or NO_LABEL
    stretch: Stretch | None = None
    columns: tuple[tuple[str, str], ...] = ()
    """Further columns of the manifest, with their values."""

    @property
    def name(self) -> str:
        """The path; of a part, with its time as in media fragments (https://www.w3.org/TR/media-frags/)."""
        path = self.path.as_posix()
        if self.stretch is None:
            return path
        return f"{path}#t={round(self.stretch.start_s, 3)},{round(self.stretch.end_s, 3)}&subject={self.subject}"


@dataclass(frozen=True, slots=True)
class Layout:
    """Layout of one data set in a folder."""

    name: str
    recordings: Callable[[Path], Iterator[Recording]]
    """Recordings of a folder; none where it has another layout. Raises TrainingDataError for an invalid label."""
    owns: Callable[[PurePath], bool]
    """Whether a file, by its path in the folder, belongs to the data set, labelled or not."""


JAVANESE_NAME = re.compile(r"(?P<actor>\d\d)-\d\d-(?P<emotion>\d\d)_\d\d")
JAVANESE_EMOTIONS = {
    "01": "neutral",
    "02": "sadness",
    "03": "happiness",
    "04": "surprise",
    "05": "fear",
    "06": "anger",
}

RAVDESS_NAME = re.compile(r"0[12]-(?P<performance>\d\d-(?P<emotion>\d\d)-\d\d-\d\d-\d\d-(?P<actor>\d\d))")
"""Modality 01 has sound, 02 has none: the same performance twice."""

RAVDESS_FILE = re.compile(r"0[123](-\d\d){6}\.\w+")
"""Any modality, sound alone (03) included."""

RAVDESS_EMOTIONS = {
    "01": "neutral",
    "02": "neutral",  # calm
    "03": "happiness",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}

CK_PICTURES = "cohn-kanade-images"
CK_EMOTIONS = {
    "0": "neutral",
    "1": "anger",
    "2": "contempt",
    "3": "disgust",
    "4": "fear",
    "5": "happiness",
    "6": "sadness",
    "7": "surprise",
}

AFFECTNET_PICTURES = "images"
AFFECTNET_LABEL = "_exp.npy"
AFFECTNET_EMOTIONS = {
    "0": "neutral",
    "1": "happiness",
    "2": "sadness",
    "3": "surprise",
    "4": "fear",
    "5": "disgust",
    "6": "anger",
    "7": "contempt",
}


def javanese(folder: Path) -> Iterator[Recording]:
    """Javanese: all recordings in one folder."""
    for path in sorted(folder.iterdir()):
        if ends_with(path, VIDEOS) and (match := JAVANESE_NAME.fullmatch(path.stem)):
            yield Recording(path, match["actor"], _named(JAVANESE_EMOTIONS, match["emotion"], path))


def ravdess(folder: Path) -> Iterator[Recording]:
    """RAVDESS: each performance once, speech and song, in any folders."""
    known: set[str] = set()
    for path in sorted(folder.glob("**/*")):
        match = RAVDESS_NAME.fullmatch(path.stem) if ends_with(path, VIDEOS) else None
        if match and match["performance"] not in known:
            known.add(match["performance"])
            yield Recording(path, match["actor"], _named(RAVDESS_EMOTIONS, match["emotion"], path))


def ck_plus(folder: Path) -> Iterator[Recording]:
    """CK+: the labelled sequences, from a neutral face to the apex of the expression."""
    for label in sorted(folder.glob("Emotion*/*/*/*_emotion.txt")):
        sequence, person = label.parent.name, label.parent.parent.name
        try:
            code = f"{float(label.read_text(encoding='ascii')):.0f}"
        except ValueError as error:
            raise TrainingDataError(f"invalid label: {label} holds no number") from error
        yield Recording(folder / CK_PICTURES / person / sequence, person, _named(CK_EMOTIONS, code, label))


def affectnet(folder: Path) -> Iterator[Recording]:
    """AffectNet: single pictures, each with a subject of its own."""
    for label in sorted(folder.glob(f"**/annotations/*{AFFECTNET_LABEL}")):
        name = label.name.removesuffix(AFFECTNET_LABEL)
        try:
            code = str(np.load(label).item())
        except (EOFError, ValueError) as error:
            raise TrainingDataError(f"invalid label: {label} holds no number") from error
        emotion = _named(AFFECTNET_EMOTIONS, code, label)
        yield Recording(_picture(label.parent.parent / AFFECTNET_PICTURES, name), name, emotion)


def _picture(folder: Path, name: str) -> Path:
    """The picture of that name with any known extension; with .jpg where none exists."""
    usual = folder / f"{name}.jpg"
    if usual.exists():
        return usual
    endings = (case for ending in sorted(PICTURES) for case in (ending, ending.upper()))
    return next((path for ending in endings if (path := folder / f"{name}{ending}").exists()), usual)


LAYOUTS = (
    Layout(
        "the Javanese recordings", javanese, lambda path: bool(JAVANESE_NAME.fullmatch(path.with_suffix("").as_posix()))
    ),
    Layout("RAVDESS", ravdess, lambda path: bool(RAVDESS_FILE.fullmatch(path.name))),
    Layout("CK+", ck_plus, lambda path: path.parts[0] == CK_PICTURES),
    Layout("AffectNet", affectnet, lambda path: path.parent.name == AFFECTNET_PICTURES),
)


def _named(names: Mapping[str, str], code: str, path: Path) -> str:
    if code not in names:
        raise TrainingDataError(f"invalid label: {path} names an emotion {code} that its data set does not define")
    return names[code]
