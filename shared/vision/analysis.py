"""Analysis of a whole video file."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from duygu.shared.exports.selection import once_every
from duygu.shared.schemas.model import ProgramInfo
from duygu.shared.schemas.options import DEFAULTS, MOVEMENTS, AnalysisOptions, part_length, require_labels
from duygu.shared.schemas.packed import unpacked
from duygu.shared.schemas.result import Result, ResultOptions, VideoInfo, Warning, Window  # noqa: A004
from duygu.shared.version import VERSION
from duygu.shared.vision.analyzer import Analyzer, Step
from duygu.shared.vision.baseline import require_relative, with_baselines
from duygu.shared.vision.decode.video import Video, detection_side
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.options import DecodeLimits
from duygu.shared.vision.progress import Progress
from duygu.shared.vision.results import ResultConverter
from duygu.shared.vision.timeline import Timeline

MOVEMENTS_UNAVAILABLE = "movements_unavailable"
"""Warning code: movements were requested, and the engine has no network for them."""

BATCH = 4
"""Clips per batch. Larger batches are hardly faster per clip and would delay the decoder."""


def analyze_video(
    path: Path,
    engine: Engine,
    limits: DecodeLimits,
    options: AnalysisOptions = DEFAULTS,
    *,
    job_id: str | None = None,
    name: str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_window: Callable[[int, Window], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    in_lists: bool = True,
) -> Result:
    """Detect and track every face of a video file and classify its emotions.

    name         name of the video in the result
    on_progress  called after each analysed frame
    on_window    called with a face_id and its window as soon as the window is classified
    should_stop  polled several times a second; CancelledError is raised once it returns True
    in_lists     whether windows and positions are lists, as the schema has them. If not, they are packed: a fraction of
                 the memory, for a process that writes them by `duygu.shared.schemas.result_json`

    Raises a VideoError for a file that cannot be analysed, InvalidLabelsError for a label that the engine does not
    output, and a BaselineError if no face has the baseline that the options request. A truncated
    file gives a result with a warning.
    """
    engine = engine.with_options(options.min_face, options.max_faces)
    require_options(engine, options)
    converter = result_converter(engine, options)
    measured = measures_movements(engine, options)
    timeline = Timeline(converter)

    def collect(step: Step) -> None:
        timeline.add(step.positions, step.windows)
        if on_window:
            for window in step.windows:
                on_window(window.face_id, converter.window(window))

    side = detection_side(engine.min_face)
    with (
        Video(
            path,
            limits,
            engine.recipe.rate_hz,
            side,
            start_s=options.start_s or 0.0,
            end_s=options.end_s,
            should_stop=should_stop,
            standby=engine.decoder,
        ) as video,
        ThreadPoolExecutor(1) as background,
    ):
        analyzer = Analyzer(engine, interval_s=video.interval_s, batch=BATCH, background=background, movements=measured)
        for frame in video:
            collect(analyzer.push(frame))
            if on_progress:
                on_progress(_progress(video, analyzer, frame.time_s, options))
        collect(analyzer.finish())
        found = [*video.warnings, *analyzer.warnings()]
        info = video_info(video, analyzer, name)
    result = assemble(engine, options, timeline, converter, job_id, info, found)
    return unpacked(result) if in_lists else result


def require_options(engine: Engine, options: AnalysisOptions) -> None:
    """Raise InvalidLabelsError or BaselineUnsupportedError for options that the engine does not have."""
    if options.baseline:
        require_relative(engine)
    require_labels(options, engine.model.labels)


def measures_movements(engine: Engine, options: AnalysisOptions) -> bool:
    """Whether facial movements are requested, and the engine measures them."""
    return options.measures_movements and bool(engine.movement_names)


def assemble(
    engine: Engine,
    options: AnalysisOptions,
    timeline: Timeline,
    converter: ResultConverter,
    job_id: str | None,
    video: VideoInfo,
    warnings: list[tuple[str, str]],
) -> Result:
    """The packed result of a complete timeline. Raises a BaselineError if no face has the baseline."""
    found = [Warning(code=code, detail=detail) for code, detail in [*warnings, *_unavailable(options, converter)]]
    model = engine.model.model_copy(update={"labels": converter.names, "movements": list(converter.movements)})
    result = timeline.result(job_id, model, video, found)
    if options.baseline and options.baseline_job is None:
        result = with_baselines(result, timeline, require_relative(engine), converter, options)
    result = result.model_copy(update=_origin(engine, converter, options))
    return result if options.every_s is None else once_every(result, options.every_s)


def result_converter(engine: Engine, options: AnalysisOptions) -> ResultConverter:
    """A converter for the labels of an analysis. Raises InvalidLabelsError for a label that the engine lacks."""
    require_labels(options, engine.model.labels)
    movements = engine.movement_names if options.measures_movements else ()
    return ResultConverter(engine.recipe, tuple(engine.model.labels), options.labels, movements)


def _unavailable(options: AnalysisOptions, converter: ResultConverter) -> list[tuple[str, str]]:
    """The warning about movements that were requested and cannot be measured."""
    if not options.measures_movements or converter.movements:
        return []
    return [(MOVEMENTS_UNAVAILABLE, "movements were not measured: the service has no movement network")]


def _origin(engine: Engine, converter: ResultConverter, options: AnalysisOptions) -> dict[str, object]:
    """Result fields for the program version, the time of the analysis and the options."""
    return {
        "program": ProgramInfo(version=VERSION),
        "analysed_at": datetime.now(UTC).replace(microsecond=0),
        "options": ResultOptions(
            engine=engine.kind,
            start_s=options.start_s,
            end_s=options.end_s,
            labels=converter.names,
            min_face=engine.min_face,
            max_faces=engine.max_faces,
            measures=[MOVEMENTS] if converter.movements else [],
            baseline=options.baseline,
        ),
    }


def _progress(video: Video, analyzer: Analyzer, time_s: float, options: AnalysisOptions) -> Progress:
    """The progress in the part of the video."""
    done_s = max(time_s - (options.start_s or 0.0), 0.0)
    length_s = part_length(video.duration_s, options.start_s, options.end_s)
    fraction = min(done_s / length_s, 1.0) if length_s else None
    return Progress(fraction, done_s, length_s, video.frames_decoded, analyzer.frames_analysed)


def video_info(video: Video, analyzer: Analyzer, name: str | None = None) -> VideoInfo:
    """Metadata of the video, complete after the last frame."""
    return VideoInfo(
        duration_s=round(video.duration_s or 0.0, 3),
        width=video.width,
        height=video.height,
        rotation=video.rotation,
        frames_decoded=video.frames_decoded,
        frames_analysed=analyzer.frames_analysed,
        first_frame_s=round(video.first_frame_s, 3),
        name=name,
    )
