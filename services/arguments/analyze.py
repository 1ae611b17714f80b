"""`duygu analyze`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from duygu.services.arguments.outputs import ANALYZE_OUTPUTS, add_formats, outputs_of
from duygu.services.arguments.values import count, labels, seconds, source
from duygu.services.commands.completion import complete_files
from duygu.shared.config.settings import Settings
from duygu.shared.errors import InvalidBaselineError
from duygu.shared.exports import ExportName
from duygu.shared.runtime.telemetry.logs import set_up_logs
from duygu.shared.runtime.unix import require_unix
from duygu.shared.schemas.options import NO_BASELINE, baseline_file, read_options, require_no_job


def add_analyze(commands: Any) -> None:
    """Add the command `analyze`."""
    analyze = commands.add_parser(
        "analyze",
        help="analyse videos without a server",
        description="Detect every face in a video and print its emotions over time as JSON on stdout. "
        "Progress and a summary go to stderr. Of a folder, every video is analysed and other files are skipped. "
        "A picture (JPEG, PNG, WebP, AVIF) has one window per face, at 0 s. "
        "Input from a pipe (-, /dev/stdin, a FIFO) is first copied to a temporary file of at most "
        "DUYGU_MAX_UPLOAD_MB. The video of a link (https:// or s3://) is fetched by the same rules as by a service: "
        "DUYGU_LINK_NETWORKS permits private addresses.",
        epilog="FILE is a file, - for stdout, or a folder, which receives one file per video and is created if its "
        "name ends with /. One FILE of --csv or --ndjson can hold the rows of several videos, identified by name. "
        "The target of a link is replaced; a FIFO, a device such as /dev/null, and >(command) receive the content. "
        "The video itself is never overwritten. "
        "Exit status: 0 success, 1 a video could not be analysed, 2 usage error, 130 interrupted.",
    )
    analyze.set_defaults(command=_analyze)
    videos = analyze.add_argument(
        "videos", nargs="+", type=source, metavar="VIDEO", help="a video, a folder of videos, a link, or - for stdin"
    )
    complete_files(videos)
    for option, (name, content) in ANALYZE_OUTPUTS.items():
        output = analyze.add_argument(option, dest=name.value, metavar="FILE", help=f"write {content} to FILE")
        complete_files(output)
    add_formats(analyze, list(ExportName))
    analyze.add_argument("--faces", type=count, metavar="N", help="keep only the N faces that are visible longest")
    analyze.add_argument(
        "--max-faces", type=count, metavar="N", help="track at most N faces at the same time (DUYGU_MAX_FACES)"
    )
    analyze.add_argument(
        "--min-face",
        type=float,
        metavar="SHARE",
        help="minimum size of a detected face, as a share of the shorter side of the frame (DUYGU_MIN_FACE)",
    )
    for option, limit in (("--start", "start"), ("--end", "end")):
        analyze.add_argument(
            option, type=float, metavar="S", help=f"{limit} of the part to analyse, in seconds from the first frame"
        )
    analyze.add_argument(
        "--measures",
        metavar="NAMES",
        help="measure besides emotions: movements (facial movements, head pose, speaking)",
    )
    analyze.add_argument(
        "--baseline",
        metavar="SPANS",
        help="add predictions relative to each person's resting face: in these spans, such as 3-13 or 3-13,20-25 "
        "(seconds), auto, or a video of the person at rest, or its result (JSON)",
    )
    analyze.add_argument(
        "--every", type=seconds, metavar="S", help="keep only the window of each face at every multiple of S seconds"
    )
    analyze.add_argument(
        "--labels", type=labels, metavar="L,L", help="report only these labels, and all others as `other`"
    )
    edits = analyze.add_argument(
        "--edits",
        type=Path,
        metavar="FILE",
        help="apply the edits of FILE (`duygu edit`), or of NAME.edits.json in the folder FILE, to the results",
    )
    complete_files(edits)
    analyze.add_argument("--pictures", action="store_true", help="also analyse the pictures in folders")
    analyze.add_argument("--quiet", action="store_true", help="print no progress and no summary")


def _analyze(
    videos: list[Path | str],
    quiet: bool,
    faces: int | None,
    every: float | None,
    edits: Path | None,
    *,
    start: float | None,
    end: float | None,
    max_faces: int | None,
    min_face: float | None,
    labels: tuple[str, ...] | None,
    measures: str | None,
    baseline: str | None,
    formats: Sequence[ExportName],
    output: str,
    pictures: bool,
    mark_speaking: bool,
    **files: str | None,
) -> int:
    # Imported here, as the image of the API lacks the packages of the worker.
    from duygu.services.commands.analyze import BatchOptions, run

    require_unix()
    settings = Settings()
    set_up_logs(settings.log_format, settings.log_level)
    values: dict[str, object] = {"start_s": start, "end_s": end, "max_faces": max_faces, "min_face": min_face}
    file = baseline_file(baseline)
    values |= {"labels": labels, "measures": measures, "baseline": None if file else baseline}
    try:
        chosen = read_options(values)
    except InvalidBaselineError as error:
        if NO_BASELINE not in error.detail:
            raise
        raise InvalidBaselineError(f"{error.detail}; there is no such file") from error
    require_no_job(chosen)
    outputs = outputs_of(files, formats, output, settings, mark_speaking=mark_speaking)
    options = BatchOptions(outputs, chosen, faces, every, edits, pictures, file)
    return run(videos, options, settings, quiet=quiet)
