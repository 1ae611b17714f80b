"""Pictures of a result: the annotated video, and the timeline as a plot. Needs what the engine needs."""

from shared.film.film import write_film
from shared.film.plot import timeline_png

__all__ = ["timeline_png", "write_film"]
