"""Annotated video and timeline plot of a result. Requires the same packages as the engine."""

from duygu.shared.annotated.film import write_film
from duygu.shared.annotated.plot import timeline_png

__all__ = ["timeline_png", "write_film"]
