"""A detector that counts, for tests of how rarely whole pictures are searched."""

from shared.vision.types import Detections, Detector, Floats, Frame


class Counted:
    """A detector that counts how often it is asked to look everywhere."""

    def __init__(self, detector: Detector) -> None:
        self.detector, self.searches = detector, 0

    def detect(self, frame: Frame) -> Detections:
        """All faces, and one more search."""
        self.searches += 1
        return self.detector.detect(frame)

    def detect_near(self, frame: Frame, boxes: Floats) -> Detections:
        """As it is."""
        return self.detector.detect_near(frame, boxes)

    def refine(self, frame: Frame, boxes: Floats) -> Detections:
        """As it is."""
        return self.detector.refine(frame, boxes)
