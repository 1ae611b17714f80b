"""Analysis of one part of a video into a file."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from duygu.shared.schemas.options import AnalysisOptions, part_length
from duygu.shared.vision.analysis import BATCH, measures_movements
from duygu.shared.vision.decode.video import Video, detection_side
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.options import DecodeLimits
from duygu.shared.vision.progress import Progress
from duygu.shared.vision.split.part_analyzer import PartAnalyzer
from duygu.shared.vision.split.part_file import PartHeader, PartVideo, PartWriter
from duygu.shared.vision.split.plan import VideoPart


def analyze_part(
    path: Path,
    target: Path,
    part: VideoPart,
    engine: Engine,
    limits: DecodeLimits,
    options: AnalysisOptions,
    *,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
) -> None:
    """Analyse a part of a video and write its file. `on_progress` receives the progress within the part.

    Raises a VideoError for a file that cannot be analysed, and CancelledError once `should_stop` returns True.
    """
    origin = part_origin(engine, options)
    engine = engine.with_options(options.min_face, options.max_faces)
    with (
        PartWriter(target) as writer,
        Video(
            path,
            limits,
            engine.recipe.rate_hz,
            detection_side(engine.min_face),
            start_s=part.decoded_from_s,
            end_s=part.end_s,
            should_stop=should_stop,
            standby=engine.decoder,
        ) as video,
        ThreadPoolExecutor(1) as background,
    ):
        analyzer = PartAnalyzer(
            engine,
            part,
            writer,
            interval_s=video.interval_s,
            batch=BATCH,
            background=background,
            movements=measures_movements(engine, options),
        )
        for frame in video:
            analyzer.push(frame)
            on_progress(_progress(video, analyzer, part, frame.time_s))
        tracks = analyzer.close()
        owned_from_s, first = analyzer.owned_from or (part.start_s, video.frames_decoded)
        found = PartVideo(
            duration_s=video.duration_s or 0.0,
            width=video.width,
            height=video.height,
            rotation=video.rotation,
            # The first frame beyond an end is decoded to notice the end; the next part counts it.
            frames_decoded=max(video.frames_decoded - (not part.is_last) - (first if part.number else 0), 0),
            frames_analysed=analyzer.frames_analysed,
            first_frame_s=video.first_frame_s,
            warnings=[*video.warnings, *analyzer.warnings()],
        )
        writer.finish(PartHeader(part.number, owned_from_s, origin, found, tracks))


def part_origin(engine: Engine, options: AnalysisOptions) -> str:
    """A fingerprint of what parts must have in common."""
    values = (engine.model.sha256, engine.kind, engine.min_face, engine.max_faces, engine.recipe.to_json())
    return hashlib.sha256(repr((*values, options.fingerprint)).encode()).hexdigest()


def _progress(video: Video, analyzer: PartAnalyzer, part: VideoPart, time_s: float) -> Progress:
    length_s = part_length(video.duration_s, part.start_s, part.end_s)
    done_s = max(time_s - part.start_s, 0.0)
    fraction = min(done_s / length_s, 1.0) if length_s else None
    return Progress(fraction, done_s, length_s, video.frames_decoded, analyzer.frames_analysed)
