"""Video analysis in the current process, without a service, for scripts and notebooks."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from duygu.shared.config import Settings
from duygu.shared.errors import ConfigurationError
from duygu.shared.exports import EXPORTS, ExportName
from duygu.shared.exports.palette import colour_of
from duygu.shared.exports.spans import spans_of
from duygu.shared.exports.tables import csv_table
from duygu.shared.exports.titles import face_title, printable
from duygu.shared.schemas import Face, Result, VideoInfo
from duygu.shared.schemas import Warning as Notice
from duygu.shared.storage.atomic import atomically

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

    from duygu.shared.vision.engine import Engine

LANE_INCHES = 0.7
"""Height of a face's lane in `Analysis.plot`."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """Analysis of one video. `result` is the complete result, as documented in docs/reading-the-result.md."""

    path: Path
    result: Result
    settings: Settings

    @property
    def faces(self) -> list[Face]:
        """Faces with their windows and positions."""
        return self.result.faces

    @property
    def video(self) -> VideoInfo:
        """Length and size of the video."""
        return self.result.video

    @property
    def warnings(self) -> list[Notice]:
        """Warnings that concern the whole result."""
        return self.result.warnings

    def to_pandas(self) -> pandas.DataFrame:
        """The windows as a table with the columns of the CSV export."""
        import pandas

        return pandas.read_csv(io.StringIO(csv_table(self.result)), keep_default_na=False)

    def plot(self, axes: Axes | None = None) -> Axes:
        """Plot the timeline: one lane per face; colour is emotion, height is confidence, hatching is uncertainty."""
        if axes is None:
            from matplotlib import pyplot

            _, axes = pyplot.subplots(figsize=(12, 1 + LANE_INCHES * max(len(self.faces), 1)), layout="constrained")
        for row, face in enumerate(self.faces):
            _draw_lane(axes, face, -row)
        axes.set_yticks([0.4 - row for row in range(len(self.faces))], [face_title(face) for face in self.faces])
        lowest = 1 - max(len(self.faces), 1)
        axes.set(xlabel="seconds", xlim=(0, max(self.video.duration_s, 1e-3)), ylim=(lowest - 0.1, 1.1))
        for emotion in self.result.model.labels:
            axes.bar(0, 0, color=colour_of(emotion), label=emotion)
        axes.bar(0, 0, width=0, color="white", edgecolor="grey", hatch="///", label="uncertain")
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
        return axes

    def save(self, path: Path | str) -> None:
        """Save the result in the format of the extension: json, csv, ndjson, vtt, srt, html, png, svg, pdf or mp4.

        Raises ConfigurationError for an unsupported extension, or if `path` is the video itself.
        """
        path = Path(path)
        if path.resolve() == self.path.resolve():
            raise ConfigurationError(f"saving to {path} would overwrite the video")
        with atomically(path) as target:
            self._write(path.suffix.removeprefix("."), target)

    def _write(self, form: str, target: Path) -> None:
        if form not in list(ExportName):
            raise ConfigurationError(f"a result cannot be saved as .{form}; supported: {', '.join(ExportName)}")
        name = ExportName(form)
        if name in EXPORTS:
            target.write_bytes(EXPORTS[name].write(self.result))
            return
        from duygu.shared.annotated import timeline_png, write_film
        from duygu.shared.engine_settings import decode_limits

        if name == ExportName.PNG:
            target.write_bytes(timeline_png(self.result))
        else:
            write_film(self.path, self.result, target, decode_limits(self.settings))


def analyze(
    path: Path | str,
    settings: Settings | None = None,
    *,
    labels: Sequence[str] | None = None,
    on_progress: Callable[[float | None], None] | None = None,
) -> Analysis:
    """Detect and track every face of a video file and classify its emotions, in this process.

    settings     default: those of the environment. The model is loaded once per settings.
    labels       labels to report, all others as `other`; None reports all
    on_progress  receives the share done, or None while the length of the video is unknown

    Raises VideoError for a file that cannot be analysed, FileNotFoundError, ModelError, and ConfigurationError for an
    unknown label.
    """
    from duygu.shared.engine_settings import decode_limits
    from duygu.shared.vision.analysis import analyze_video
    from duygu.shared.vision.options import AnalysisOptions

    path, settings = Path(path), settings or Settings()
    engine = _engine(settings)
    report = on_progress or (lambda _: None)
    name = printable(path.name)
    options = AnalysisOptions(labels=None if labels is None else tuple(labels))
    result = analyze_video(
        path,
        engine,
        decode_limits(settings),
        options,
        name=name,
        on_progress=lambda progress: report(progress.fraction),
    )
    return Analysis(path, result, settings)


@cache
def _engine(settings: Settings) -> Engine:
    from duygu.shared.engine_settings import engine_options
    from duygu.shared.vision.engine import load_engine

    return load_engine(engine_options(settings))


def _draw_lane(axes: Axes, face: Face, base: float) -> None:
    for span in spans_of(face):
        axes.bar(
            span.start_s,
            span.window.confidence * 0.8,
            width=span.end_s - span.start_s,
            bottom=base,
            align="edge",
            color=colour_of(span.window.emotion),
            edgecolor="white",
            linewidth=0.5,
            hatch="///" if span.window.uncertain else None,
        )
