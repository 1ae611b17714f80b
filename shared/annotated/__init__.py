"""Pictures of a result: the annotated video, and the timeline as a plot. Needs what the engine needs."""

from duygu.shared.annotated.film import write_film
from duygu.shared.annotated.plot import timeline_png

__all__ = ["timeline_png", "write_film"]
