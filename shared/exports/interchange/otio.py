"""OpenTimelineIO (.otio): the video as a clip with a marker per stretch.

Format: https://opentimelineio.readthedocs.io/en/stable/tutorials/otio-serialized-schema.html
"""

import json
from collections.abc import Iterator
from math import ceil

from duygu.shared.exports.interchange.frame_rate import frame_rate
from duygu.shared.exports.interchange.stretches import MILLISECONDS, Stretch, Tier, tiers_of
from duygu.shared.exports.interchange.stretches import end_ms as last_ms
from duygu.shared.exports.titles import title_of
from duygu.shared.schemas.result import Result

COLOURS = {
    "anger": "RED",
    "disgust": "GREEN",
    "fear": "PURPLE",
    "happiness": "YELLOW",
    "sadness": "BLUE",
    "surprise": "CYAN",
    "neutral": "WHITE",
}

OTHER_COLOUR = "BLACK"

Value = dict[str, object]


def otio(result: Result) -> str:
    """Render the timeline as JSON, on the clock of editors, which starts with the first frame."""
    tiers = tiers_of(result)
    rate = float(frame_rate(result))
    whole = _range(0, ceil(last_ms(result, tiers) * rate / MILLISECONDS), rate)
    title = title_of(result) or "duygu"
    clip = _named("Clip.1", title) | {
        "source_range": whole,
        "effects": [],
        "markers": [*_markers(tiers, rate)],
        "enabled": True,
        "media_reference": _media(result, whole),
    }
    track = _composition("Track.1", "Video", [clip]) | {"kind": "Video"}
    timeline = _named("Timeline.1", title) | {
        "global_start_time": None,
        "tracks": _composition("Stack.1", "tracks", [track]),
    }
    return json.dumps(timeline, indent=2, ensure_ascii=False) + "\n"


def _named(schema: str, name: str, metadata: Value | None = None) -> Value:
    return {"OTIO_SCHEMA": schema, "metadata": metadata or {}, "name": name}


def _composition(schema: str, name: str, children: list[Value]) -> Value:
    more: Value = {"source_range": None, "effects": [], "markers": [], "enabled": True, "children": children}
    return _named(schema, name) | more


def _media(result: Result, whole: Value) -> Value:
    if not result.video.name:
        return _named("MissingReference.1", "") | {"available_range": whole}
    return _named("ExternalReference.1", "") | {"available_range": whole, "target_url": result.video.name}


def _markers(tiers: list[Tier], rate: float) -> Iterator[Value]:
    found = [(stretch, tier) for tier in tiers for stretch in tier.stretches]
    for stretch, tier in sorted(found, key=lambda pair: pair[0].start_ms):
        facts = {
            "face_id": tier.face.face_id,
            "name": tier.face.name,
            "emotion": stretch.emotion,
            "confidence": stretch.confidence,
            "uncertain": stretch.uncertain,
        }
        yield _named("Marker.2", f"{tier.title}: {stretch.words}", {"duygu": facts}) | {
            "color": COLOURS.get(stretch.emotion, OTHER_COLOUR),
            "marked_range": _marked(stretch, rate),
        }


def _marked(stretch: Stretch, rate: float) -> Value:
    start, end = (round(time * rate / MILLISECONDS) for time in (stretch.start_ms, stretch.end_ms))
    return _range(start, max(end - start, 1), rate)


def _range(start: int, length: int, rate: float) -> Value:
    """A range of frames."""
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": _time(start, rate), "duration": _time(length, rate)}


def _time(frame: int, rate: float) -> Value:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": float(frame)}
