"""Video analysis in the current process, without a service, for scripts and notebooks."""

from __future__ import annotations

import atexit
import io
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from duygu.shared.baselines.recordings import with_recorded_baseline
from duygu.shared.config.settings import MB, Settings
from duygu.shared.errors import ConfigurationError
from duygu.shared.exports import EXPORTS, ExportName, extension_of
from duygu.shared.exports.palette import colour_of
from duygu.shared.exports.spans import spans_of
from duygu.shared.exports.tables import csv_table
from duygu.shared.exports.titles import printable
from duygu.shared.inputs.links.link import is_link
from duygu.shared.inputs.media.picture_file import read_still
from duygu.shared.model.folder import sha256_of
from duygu.shared.schemas.options import AnalysisOptions, OptionValues, baseline_file, read_options, require_no_job
from duygu.shared.schemas.result import Face, RecordedBaseline, Result, VideoInfo, with_sha256
from duygu.shared.schemas.result import Warning as Notice
from duygu.shared.storage.atomic import atomically
from duygu.shared.workbench.edits.editing import apply_edits, visible
from duygu.shared.workbench.edits.file import read_edit_file
from duygu.shared.workbench.edits.operations import EDIT, Edit

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

    def edited(self, *edits: Edit | Mapping[str, Any] | Path | str) -> Analysis:
        """The analysis with edits of its result, which itself does not change.

        edits  operations of duygu.shared.workbench.edits.operations, or the same as plain values, such as
               `{"op": "rename", "face_id": 1, "name": "Ann"}`; or files of edits (`duygu edit`)

        Raises InvalidEditError for an edit that does not apply, OtherVideoError for the edits of another video,
        ConfigurationError for a file that cannot be read, and pydantic's ValidationError.
        """
        operations: list[Edit] = []
        for edit in edits:
            if isinstance(edit, Path | str):
                file = read_edit_file(Path(edit))
                file.check_video(self.result)
                operations += file.edits
            else:
                operations.append(EDIT.validate_python(edit))
        return replace(self, result=apply_edits(self.result, operations))

    def to_pandas(self) -> pandas.DataFrame:
        """The windows as a table with the columns of the CSV export."""
        import pandas

        return pandas.read_csv(io.StringIO(csv_table(visible(self.result))), keep_default_na=False)

    def plot(self, axes: Axes | None = None) -> Axes:
        """Plot the timeline: one lane per face; colour is emotion, height is confidence, hatching is uncertainty."""
        faces = visible(self.result).faces
        if axes is None:
            from matplotlib import pyplot

            _, axes = pyplot.subplots(figsize=(12, 1 + LANE_INCHES * max(len(faces), 1)), layout="constrained")
        for row, face in enumerate(faces):
            _draw_lane(axes, face, -row)
        axes.set_yticks(
            [0.4 - row for row in range(len(faces))], [face.name or f"face {face.face_id}" for face in faces]
        )
        lowest = 1 - max(len(faces), 1)
        axes.set(xlabel="seconds", xlim=(0, max(self.video.duration_s, 1e-3)), ylim=(lowest - 0.1, 1.1))
        for emotion in self.result.model.labels:
            axes.bar(0, 0, color=colour_of(emotion), label=emotion)
        axes.bar(0, 0, width=0, color="white", edgecolor="grey", hatch="///", label="uncertain")
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
        return axes

    def save(self, path: Path | str) -> None:
        """Save the result in the format of the extension.

        json, csv, ndjson, parquet; vtt, srt; html, png, svg, pdf, mp4, blurred.mp4; eaf (ELAN), TextGrid (Praat),
        boris, bids.zip; edl, otio.

        Raises ConfigurationError for an unsupported extension, or if `path` is the video itself.
        """
        path = Path(path)
        if path.resolve() == self.path.resolve():
            raise ConfigurationError(f"saving to {path} would overwrite the video")
        with atomically(path) as target:
            self._write(path.name, target)

    def _write(self, file: str, target: Path) -> None:
        extensions = {name: f".{extension_of(name)}".lower() for name in ExportName}
        fitting = [name for name, extension in extensions.items() if file.lower().endswith(extension)]
        name = max(fitting, key=lambda one: len(extensions[one]), default=None)
        if name is None:
            known = ", ".join(extension_of(name) for name in ExportName)
            raise ConfigurationError(f"a result cannot be saved as {Path(file).suffix}; supported: {known}")
        if name in EXPORTS:
            target.write_bytes(EXPORTS[name].write(self.result))
            return
        from duygu.shared.annotated import timeline_png, write_annotated_video, write_blurred_video
        from duygu.shared.config.engine import decode_limits, detector_of

        if name == ExportName.PNG:
            target.write_bytes(timeline_png(self.result))
        elif name == ExportName.BLURRED:
            limits = decode_limits(self.settings)
            write_blurred_video(self.path, self.result, target, detector_of(self.settings), limits)
        else:
            write_annotated_video(self.path, self.result, target, decode_limits(self.settings))


def analyze(
    path: Path | str,
    settings: Settings | None = None,
    *,
    on_progress: Callable[[float | None], None] | None = None,
    **options: Unpack[OptionValues],
) -> Analysis:
    """Detect and track every face of a video file and classify its emotions, in this process.

    Of a picture (JPEG, PNG, WebP, AVIF), each face has one window at 0 s, by the network's output for stills.

    path         of a file; or a link, `https://…` or `s3://…`, which is fetched first
    settings     default: those of the environment. The model is loaded once per settings.
    on_progress  receives the share done, or None while the length of the video is unknown
    options      of duygu.shared.schemas.options: `start_s`, `end_s`, `every_s`, `labels`, `min_face`, `max_faces`,
                 `measures`, `baseline`, which can also be the path of another recording of the same person, or of the
                 result of its analysis (JSON)

    Raises VideoError for a file that cannot be analysed, FileNotFoundError, ModelError, and InvalidOptionError.
    """
    from duygu.shared.config.engine import decode_limits, picture_decoder
    from duygu.shared.vision.analysis import analyze_video
    from duygu.shared.vision.picture import analyze_picture_file

    if is_link(path):
        return _analyze_link(str(path), settings or Settings(), on_progress, options)
    path, settings = Path(path), settings or Settings()
    engine = _engine(settings)
    chosen, recorded = _baseline(options, engine, settings)
    report = on_progress or (lambda _: None)
    name = printable(path.name)
    picture = read_still(path, int(settings.pictures_max_mb * MB))
    if picture is None:
        result = analyze_video(
            path,
            engine,
            decode_limits(settings),
            chosen,
            name=name,
            on_progress=lambda progress: report(progress.fraction),
        )
        result = with_recorded_baseline(result, recorded) if recorded else result
    else:
        with picture_decoder(settings) as decoder:
            result = analyze_picture_file(picture, decoder, engine, settings.picture_max_pixels, chosen, name=name)
        report(1.0)
    return Analysis(path, with_sha256(result, sha256_of(path)), settings)


def _baseline(
    options: OptionValues, engine: Engine, settings: Settings
) -> tuple[AnalysisOptions, RecordedBaseline | None]:
    """The options, and the baseline if it is another recording, which is analysed first."""
    from duygu.shared.config.engine import decode_limits
    from duygu.shared.vision.recorded_baseline import baseline_in

    file = baseline_file(options.get("baseline"))
    chosen = read_options({**options, "baseline": None} if file else options)
    require_no_job(chosen)
    return chosen, baseline_in(file, engine, decode_limits(settings), chosen) if file else None


def _analyze_link(
    url: str, settings: Settings, on_progress: Callable[[float | None], None] | None, options: OptionValues
) -> Analysis:
    """Fetch a video into a temporary folder, which exists as long as this process, and analyse it."""
    from duygu.shared.inputs.links.local_copy import fetch_copy

    folder = Path(tempfile.mkdtemp(prefix="duygu-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return analyze(fetch_copy(url, folder, settings), settings, on_progress=on_progress, **options)


@cache
def _engine(settings: Settings) -> Engine:
    from duygu.shared.config.engine import engine_options
    from duygu.shared.vision.decode.video import standby_decoder
    from duygu.shared.vision.engine import load_engine

    return load_engine(engine_options(settings), standby_decoder(keep=False))


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
