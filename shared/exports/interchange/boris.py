"""Project of BORIS (.boris) with one observation: state events of a subject per face.

Format: https://www.boris.unito.it/user_guide/ (JSON; an event is a list of time, subject, behaviour, modifier, comment,
frame)
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from duygu.shared.exports.interchange.frame_rate import frame_rate
from duygu.shared.exports.interchange.stretches import UNCERTAIN, Tier, tiers_of
from duygu.shared.exports.palette import colour_of
from duygu.shared.exports.titles import title_of
from duygu.shared.schemas.result import Result

PLAYERS = 8
"""Players of BORIS; the video is in the first."""

STATE = "State event"

SINGLE_SELECTION = 0

NO_DATE = datetime(1970, 1, 1, tzinfo=UTC)

NO_VIDEO = "video"
"""Name of the media file where the name of the video is unknown; BORIS asks for the file."""


def boris(result: Result) -> str:
    """Render a project, on the clock of players."""
    tiers = tiers_of(result, result.video.first_frame_s)
    date = (result.analysed_at or NO_DATE).isoformat(timespec="seconds")[:19]
    project = {
        "time_format": "hh:mm:ss",
        "project_date": date,
        "project_name": title_of(result) or NO_VIDEO,
        "project_description": f"Emotions by duygu, model {result.model.name} {result.model.version}",
        "project_format_version": "7.0",
        "subjects_conf": {
            str(place): {"key": "", "name": tier.title, "description": f"face {tier.face.face_id}"}
            for place, tier in enumerate(tiers)
        },
        "behaviors_conf": _behaviours(result, tiers),
        "observations": {title_of(result) or NO_VIDEO: _observation(result, tiers, date)},
        "behavioral_categories": [],
        "independent_variables": {},
        "coding_map": {},
        "behaviors_coding_map": [],
        "converters": {},
    }
    return json.dumps(project, indent=1, ensure_ascii=False) + "\n"


def _behaviours(result: Result, tiers: list[Tier]) -> dict[str, object]:
    """The labels; those of one face exclude each other."""
    labels = [*dict.fromkeys([*result.model.labels, *(s.emotion for tier in tiers for s in tier.stretches)])]
    return {
        str(place): {
            "type": STATE,
            "key": "",
            "code": label,
            "description": "",
            "color": colour_of(label),
            "category": "",
            "modifiers": {
                "0": {
                    "name": "certainty",
                    "description": "",
                    "type": SINGLE_SELECTION,
                    "ask at stop": False,
                    "values": [UNCERTAIN],
                }
            },
            "excluded": ",".join(other for other in labels if other != label),
            "coding map": "",
        }
        for place, label in enumerate(labels)
    }


def _observation(result: Result, tiers: list[Tier], date: str) -> dict[str, object]:
    video, file = result.video, result.video.name or NO_VIDEO
    return {
        "file": {str(player): [file] if player == 1 else [] for player in range(1, PLAYERS + 1)},
        "type": "MEDIA",
        "date": date,
        "description": "",
        "time offset": 0.0,
        "events": sorted(_events(tiers), key=lambda event: event[0]),
        "observation time interval": [0, 0],
        "independent_variables": {},
        "visualize_spectrogram": False,
        "visualize_waveform": False,
        "close_behaviors_between_videos": False,
        "scan_sampling_time": 0,
        "image_display_duration": 1,
        "media_info": {
            "length": {file: round(video.first_frame_s + video.duration_s, 3)},
            "fps": {file: round(float(frame_rate(result)), 3)},
            "hasVideo": {file: True},
            "hasAudio": {file: False},
            "offset": {"1": 0.0},
        },
    }


Event = tuple[float, str, str, str, str, int | str]

NO_FRAME = "NA"


def _events(tiers: list[Tier]) -> Iterator[Event]:
    """The start and the stop of each stretch. Where one stops as the next starts, the stop is first."""
    for tier in tiers:
        for stretch in tier.stretches:
            state = (tier.title, stretch.emotion, UNCERTAIN if stretch.uncertain else "")
            yield (stretch.start_s, *state, f"confidence {stretch.confidence:.2f}", NO_FRAME)
            yield (stretch.end_s, *state, "", NO_FRAME)
