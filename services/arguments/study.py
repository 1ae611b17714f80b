"""`duygu study`."""

import os
from dataclasses import fields
from pathlib import Path
from typing import Any

from duygu.services.arguments.values import column, labels
from duygu.services.commands.completion import complete_files
from duygu.shared.config.settings import Settings
from duygu.shared.runtime.telemetry.logs import set_up_logs
from duygu.shared.schemas.options import read_options
from duygu.shared.workbench.studies.settings import DEFAULTS, StudySettings

STUDY_SETTINGS = {
    "up": ("P", "an episode of an emotion starts at this probability"),
    "down": ("P", "an episode ends below this probability"),
    "min-length": ("S", "omit episodes shorter than S seconds"),
    "gap": ("S", "tolerate interruptions of an episode of at most S seconds"),
    "around": ("S", "length of the intervals before and after a marker, in seconds"),
    "step": ("S", "width of the bins of time courses, in seconds"),
    "window": ("S", "length of the windows of synchrony, in seconds"),
    "lag": ("S", "longest lag of synchrony, in seconds"),
}
"""Settings of a study by option, with the name of their value and their meaning."""


def add_study(commands: Any) -> None:
    """Add the command `study`."""
    study = commands.add_parser(
        "study",
        help="analyse the recordings of a study into tables",
        description="Analyse every video of a table, and write tables over all of them with a code book, and a report. "
        "A video that has a result from the same file, model and version is not analysed again, so an interrupted "
        "study continues where it stopped. A video that cannot be analysed is a row with its error.",
        epilog="Columns of STUDY.csv: path, participant, group, stimulus, offset_s, start_s, end_s, baseline, face; "
        "all others are kept. Edits of a result, NAME.edits.json beside it, are applied. "
        "DUYGU_API_KEY: the API key for --service. "
        "Exit status: 0 success, 1 a row failed, 2 invalid table or usage error, 130 interrupted.",
    )
    study.set_defaults(command=_study)
    complete_files(study.add_argument("sheet", type=Path, metavar="STUDY.csv", help="table with a row per recording"))
    output = study.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="folder to write to")
    complete_files(output)
    results = study.add_argument(
        "--results", type=Path, metavar="FOLDER", help="use the results NAME.json of FOLDER instead of analysing videos"
    )
    complete_files(results)
    study.add_argument("--service", metavar="URL", help="analyse the videos in this running service")
    markers = study.add_argument(
        "--markers", type=Path, metavar="FILE", help="table of events: participant or stimulus, time_s, name"
    )
    complete_files(markers)
    study.add_argument(
        "--measures", metavar="NAMES", help="measure besides emotions: movements, which speaking is part of"
    )
    study.add_argument(
        "--labels", type=labels, metavar="L,L", help="report only these labels, and all others as `other`"
    )
    study.add_argument(
        "--frames",
        choices=("shown", "covered", "none"),
        default="shown",
        help="faces in the frames of the report; none: no frames (default: shown)",
    )
    study.add_argument(
        "--film",
        dest="films",
        type=column,
        action="append",
        default=[],
        metavar="STIMULUS=FILE",
        help="show frames of this film instead of recordings; may be repeated",
    )
    for option, (form, meaning) in STUDY_SETTINGS.items():
        default = getattr(DEFAULTS, _setting(option))
        study.add_argument(f"--{option}", type=float, metavar=form, help=f"{meaning} (default: {default:g})")
    study.add_argument("--quiet", action="store_true", help="print no progress and no summary")


def _study(
    sheet: Path,
    output: Path,
    results: Path | None,
    service: str | None,
    markers: Path | None,
    quiet: bool,
    measures: str | None,
    labels: tuple[str, ...] | None,
    frames: str,
    films: list[tuple[str, str]],
    **given: float | None,
) -> int:
    from duygu.services.commands.study.command import StudyFiles, run

    settings = Settings()
    set_up_logs(settings.log_format, settings.log_level)
    chosen: dict[str, Any] = {_setting(name): value for name, value in given.items() if value is not None}
    options = read_options({"labels": labels, "measures": measures})
    known = {name: Path(path) for name, path in films}
    key = os.environ.get("DUYGU_API_KEY")
    files = StudyFiles(sheet, output, markers, results, options, service, key, frames, known)
    return run(files, StudySettings(**chosen), settings, quiet=quiet)


def _setting(option: str) -> str:
    """The field of StudySettings that an option sets."""
    name = option.replace("-", "_")
    return name if name in {one.name for one in fields(StudySettings)} else f"{name}_s"
