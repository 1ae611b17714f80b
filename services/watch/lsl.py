"""Publishes windows to the Lab Streaming Layer, an outlet per camera."""

import time

from pylsl import StreamInfo, StreamOutlet, local_clock

from duygu.services.watch.sinks import NoSink
from duygu.shared.schemas.model import ModelInfo
from duygu.shared.schemas.result import Window

FACE_ID, UNCERTAIN = "face_id", "uncertain"


class LslOutlets(NoSink):
    """A sample per window: a channel per label, then `face_id` and `uncertain` (0 or 1).

    The time stamp of a sample is the capture time of the frame that completed its window, on the clock of LSL.
    """

    def __init__(self) -> None:
        self._outlets: dict[str, tuple[StreamOutlet, list[str]]] = {}

    def opened(self, camera: str, model: ModelInfo) -> None:
        """Open the outlet of a camera before its first sample."""
        if camera in self._outlets:
            return
        labels = list(model.labels)
        channels = [*labels, FACE_ID, UNCERTAIN]
        info = StreamInfo(f"duygu-{camera}", "Emotions", len(channels), 0.0, "float32", f"duygu-{camera}")
        description = info.desc()
        nodes = description.append_child("channels")
        for channel in channels:
            node = nodes.append_child("channel")
            node.append_child_value("label", channel)
            node.append_child_value("unit", "probability" if channel in labels else "none")
        description.append_child_value("model", f"{model.name} {model.version} {model.sha256}")
        self._outlets[camera] = StreamOutlet(info), labels

    def window(self, camera: str, face_id: int, window: Window, at: float) -> None:
        """Push a sample."""
        outlet, labels = self._outlets[camera]
        values = [window.probabilities.get(label, 0.0) for label in labels]
        outlet.push_sample([*values, float(face_id), float(window.uncertain)], local_clock() - (time.time() - at))

    def close(self) -> None:
        """Close the outlets."""
        self._outlets.clear()
