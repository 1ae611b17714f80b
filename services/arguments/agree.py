"""`duygu agree`."""

from pathlib import Path
from typing import Any

from duygu.services.arguments.values import column, share
from duygu.services.commands.completion import complete_files


def add_agree(commands: Any) -> None:
    """Add the command `agree`."""
    agree = commands.add_parser(
        "agree",
        help="compare labels of people with each other and with a result",
        description="Print confusion, Cohen's kappa, Krippendorff's alpha, recall by emotion and calibration error of "
        "labels, with 95 % intervals, and the threshold of `uncertain` that reaches a target accuracy on these labels.",
        epilog="LABELS are CSV (face_id, start_s, end_s, emotion, optionally rater), JSON as of "
        "/v1/jobs/{id}/labels/{rater}, ELAN (.eaf) or BORIS (.boris, or its exported events). Without a rater in the "
        "file, its name is that of the rater. Exit status: 0 success, 2 invalid file or usage error.",
    )
    agree.set_defaults(command=_agree)
    complete_files(agree.add_argument("result", type=Path, metavar="RESULT", help="a result of `duygu analyze --json`"))
    complete_files(agree.add_argument("labels", nargs="+", type=Path, metavar="LABELS", help="files of labels"))
    complete_files(
        agree.add_argument(
            "--edits", type=Path, metavar="FILE", help="file of edits (default: that beside RESULT, if there is one)"
        )
    )
    agree.add_argument(
        "--target-accuracy",
        type=share,
        default=0.9,
        metavar="P",
        help="share of correct predictions among the windows that are not uncertain (default: 0.9)",
    )
    agree.add_argument("--json", dest="as_json", action="store_true", help="print JSON")
    complete_files(
        agree.add_argument(
            "--manifest", type=Path, metavar="FILE", help="add the labels to FILE (CSV) for `training.prepare`"
        )
    )
    complete_files(
        agree.add_argument(
            "--video", type=Path, metavar="FILE", help="video for the manifest (default: named in RESULT, beside it)"
        )
    )
    agree.add_argument(
        "--column",
        dest="columns",
        type=column,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="further column of the manifest; may be repeated",
    )


def _agree(
    result: Path,
    labels: list[Path],
    edits: Path | None,
    target_accuracy: float,
    as_json: bool,
    manifest: Path | None,
    video: Path | None,
    columns: list[tuple[str, str]],
) -> int:
    from duygu.services.commands.agree import ManifestOptions, run

    options = ManifestOptions(manifest, video, dict(columns)) if manifest else None
    return run(result, labels, edits=edits, target_accuracy=target_accuracy, as_json=as_json, manifest=options)
