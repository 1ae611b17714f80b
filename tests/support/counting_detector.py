"""A detector that counts, for tests of how rarely whole pictures are searched."""

from duygu.shared.vision.types import Detections, Detector, Floats, Frame


class Counted:
    """A detector that counts how often it is asked to look everywhere."""

    def __init__(self, detector: Detector) -> None:
        self.detector, self.searches, self.refined, self.sought = detector, 0, 0, 0

    def detect(self, frame: Frame) -> Detections:
        """All faces, and one more search."""
        self.searches += 1
        return self.detector.detect(frame)

    def detect_near(self, frame: Frame, boxes: Floats) -> Detections:
        """As it is, and so many more boxes around which faces were looked for."""
        self.sought += len(boxes)
        return self.detector.detect_near(frame, boxes)

    def refine(self, frame: Frame, boxes: Floats) -> Detections:
        """As it is, and so many more boxes that O-Net has judged."""
        self.refined += len(boxes)
        return self.detector.refine(frame, boxes)
