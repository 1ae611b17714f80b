"""A detector with counters, for tests of the frequency of searches."""

from typing import Self

from duygu.shared.vision.types import Detections, Detector, Floats, Frame


class Counted:
    """A detector that counts its searches of whole pictures, and the boxes of the other calls."""

    def __init__(self, detector: Detector) -> None:
        self.detector, self.searches, self.refined, self.sought = detector, 0, 0, 0

    def detect(self, frame: Frame) -> Detections:
        """Detect all faces and count a search."""
        self.searches += 1
        return self.detector.detect(frame)

    def detect_near(self, frame: Frame, boxes: Floats) -> Detections:
        """Detect faces near boxes and count the boxes."""
        self.sought += len(boxes)
        return self.detector.detect_near(frame, boxes)

    def refine(self, frame: Frame, boxes: Floats) -> Detections:
        """Refine boxes and count them."""
        self.refined += len(boxes)
        return self.detector.refine(frame, boxes)

    def with_limits(self, *, min_face: float, max_faces: int) -> Self:
        """A detector with other limits and counters of its own."""
        return type(self)(self.detector.with_limits(min_face=min_face, max_faces=max_faces))
