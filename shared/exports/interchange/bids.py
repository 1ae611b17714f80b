"""BIDS data set of one recording, as a ZIP: the emotions as events (`*_events.tsv`) with their description (`.json`).

Format: https://bids-specification.readthedocs.io/en/stable/modality-agnostic-files/events.html
"""

import json
import re
from collections.abc import Iterator

from duygu.shared.exports.interchange.archive import archive
from duygu.shared.exports.interchange.stretches import tiers_of
from duygu.shared.exports.titles import title_of
from duygu.shared.schemas.result import Result
from duygu.shared.schemas.visible_text import only_visible

BIDS_VERSION = "1.10.0"

MISSING = "n/a"

MAX_TASK = 60
"""Characters of the task's label, which is the name of the video."""

COLUMNS: dict[str, dict[str, object]] = {
    "onset": {"Description": "start of the stretch, from the first frame of the video", "Units": "s"},
    "duration": {"Description": "length of the stretch of adjacent windows with one emotion", "Units": "s"},
    "trial_type": {"LongName": "Emotion", "Description": "emotion that the face shows; not what the person feels"},
    "face_id": {"LongName": "Face", "Description": "number of the face in the video"},
    "face_name": {"Description": "name that an edit gave to the face"},
    "confidence": {"Description": "calibrated probability of the emotion, mean of the windows"},
    "uncertain": {
        "Description": "whether the confidence is below the threshold of the model",
        "Levels": {"true": "below the threshold", "false": "at or above the threshold"},
    },
}
"""Columns of the events with their description."""

README = """# {title}

Emotions of the faces in the video {title}, as events. They were computed by Duygu{version} with the model {model}. Each
event is a stretch of adjacent windows in which a face shows one emotion. An expression is not a feeling: the events
describe what faces show, not what people feel.
"""


def bids(result: Result) -> bytes:
    """Render the ZIP of a data set that the BIDS validator accepts."""
    title = title_of(result) or "video"
    version = f" {result.program.version}" if result.program else ""
    model = f"{result.model.name} {result.model.version}"
    task = re.sub(r"[^0-9A-Za-z]", "", title.rpartition("/")[2].rpartition(".")[0] or title)[:MAX_TASK] or "video"
    stem = f"sub-01/beh/sub-01_task-{task}_events"
    description = {
        "Name": f"Emotions in {title}",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "raw",
        "GeneratedBy": [{"Name": "Duygu", "Version": version.strip() or MISSING, "Description": f"model {model}"}],
    }
    return archive(
        {
            "README.md": README.format(title=title, version=version, model=model),
            "dataset_description.json": _json(description),
            f"{stem}.json": _json({"TaskName": task, **_columns(result)}),
            f"{stem}.tsv": "".join("\t".join(row) + "\n" for row in _rows(result)),
        }
    )


def _columns(result: Result) -> dict[str, object]:
    levels = {label: f"the emotion {label}" for label in result.model.labels}
    return {**COLUMNS, "trial_type": {**COLUMNS["trial_type"], "Levels": levels}}


def _rows(result: Result) -> Iterator[tuple[str, ...]]:
    yield tuple(COLUMNS)
    found = [(stretch, tier) for tier in tiers_of(result) for stretch in tier.stretches]
    for stretch, tier in sorted(found, key=lambda pair: (pair[0].start_ms, pair[1].face.face_id)):
        yield (
            f"{stretch.start_s:.3f}",
            f"{stretch.end_s - stretch.start_s:.3f}",
            stretch.emotion,
            str(tier.face.face_id),
            _cell(tier.face.name or ""),
            f"{stretch.confidence:.3f}",
            str(stretch.uncertain).lower(),
        )


def _cell(text: str) -> str:
    """Text without tabs and line breaks; `n/a` if it is empty."""
    return only_visible(text, " ").strip() or MISSING


def _json(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
