"""When the computed faces of results are visible: labels are checked against it every time they are saved."""

import json
from array import array
from typing import Any

from duygu.services.api.lru_cache import LruCache
from duygu.shared.workbench.edits.origin import Presence

RECENT_RESULTS = 4
"""Results whose faces are remembered; an hour with twenty faces takes about 25 MB."""

FacePresence = LruCache[str, dict[int, Presence]]
"""The faces of a result by id, by job. A computed result never changes."""


def read_presence(result: bytes) -> dict[int, Presence]:
    """The faces of a stored result by id."""
    return {face["face_id"]: _presence(face) for face in json.loads(result)["faces"]}


def _presence(face: dict[str, Any]) -> Presence:
    times = array("d", (position["time_s"] for position in face["positions"]))
    return Presence(times, [(window["start_s"], window["end_s"]) for window in face["windows"]])
