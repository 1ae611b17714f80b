"""`duygu label`."""

from pathlib import Path
from typing import Any

from duygu.services.commands.completion import complete_files
from duygu.shared.config.settings import Settings


def add_label(commands: Any) -> None:
    """Add the command `label`."""
    label = commands.add_parser(
        "label",
        help="label a video by hand in the browser",
        description="Analyse a video and open the page on which a person labels its faces without seeing the model's "
        "predictions. Runs a service of its own until Ctrl-C, whose data folder keeps result, labels and video.",
    )
    label.set_defaults(command=_label)
    complete_files(label.add_argument("video", type=Path, metavar="VIDEO", help="a video"))
    label.add_argument("--service", metavar="URL", help="use this running service instead")
    label.add_argument("--no-browser", action="store_true", help="print the address without opening a browser")


def _label(video: Path, service: str | None, no_browser: bool) -> int:
    from duygu.services.commands.label import run

    return run(video, Settings(), service=service, browser=not no_browser)
