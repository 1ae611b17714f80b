"""Annotated video and timeline plot of a result. Requires the same packages as the engine."""

from duygu.shared.annotated.annotated_video import write_annotated_video
from duygu.shared.annotated.blurred_video import write_blurred_video
from duygu.shared.annotated.plot import timeline_png

__all__ = ["timeline_png", "write_annotated_video", "write_blurred_video"]
