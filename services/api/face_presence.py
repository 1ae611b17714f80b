"""When the computed faces of recent results are visible: labels are checked against it every time they are saved."""

import json
from array import array
from collections import OrderedDict
from threading import Lock
from typing import Any

from duygu.shared.edits.origin import Presence

RECENT = 4
"""Results that are remembered; an hour with twenty faces takes about 25 MB."""


class FacePresence:
    """Remembers the times of the faces of the most recent results. A computed result never changes."""

    def __init__(self) -> None:
        self._recent: OrderedDict[str, dict[int, Presence]] = OrderedDict()
        self._lock = Lock()

    def find(self, job_id: str) -> dict[int, Presence] | None:
        """The faces of a result by id, if they are remembered."""
        with self._lock:
            if job_id in self._recent:
                self._recent.move_to_end(job_id)
            return self._recent.get(job_id)

    def remember(self, job_id: str, result: bytes) -> dict[int, Presence]:
        """Read and remember the faces of a stored result."""
        faces = {face["face_id"]: _presence(face) for face in json.loads(result)["faces"]}
        with self._lock:
            self._recent[job_id] = faces
            while len(self._recent) > RECENT:
                self._recent.popitem(last=False)
        return faces


def _presence(face: dict[str, Any]) -> Presence:
    times = array("d", (position["time_s"] for position in face["positions"]))
    return Presence(times, [(window["start_s"], window["end_s"]) for window in face["windows"]])
