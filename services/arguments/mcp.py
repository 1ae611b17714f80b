"""`duygu mcp`."""

import os
from pathlib import Path
from typing import Any

from duygu.services.arguments.values import port
from duygu.services.commands.completion import complete_files
from duygu.shared.config.settings import Settings
from duygu.shared.runtime.telemetry.logs import set_up_logs


def add_mcp(commands: Any) -> None:
    """Add the command `mcp`."""
    mcp = commands.add_parser(
        "mcp",
        help="serve tools for assistants (Model Context Protocol)",
        description="Serve tools with which an assistant analyses videos and reads results, by the Model Context "
        "Protocol on stdin and stdout, or on HTTP with --http. Analyses run in this process, or in "
        "the service of --service.",
        epilog="DUYGU_API_KEY: the API key for --service.",
    )
    mcp.set_defaults(command=_mcp)
    mcp.add_argument("--http", action="store_true", help="serve streamable HTTP at /mcp instead of stdio")
    mcp.add_argument("--host", default="127.0.0.1", help="loopback address to listen on (default: 127.0.0.1)")
    mcp.add_argument("--port", type=port, default=8765, help="port to listen on; 0: a free port (default: 8765)")
    folder = mcp.add_argument(
        "--folder",
        type=Path,
        action="append",
        dest="folders",
        metavar="FOLDER",
        help="read files only in FOLDER; can be repeated (default: everywhere on stdio, the working directory on HTTP)",
    )
    complete_files(folder)
    mcp.add_argument("--service", metavar="URL", help="analyse in this service")


def _mcp(http: bool, host: str, port: int, folders: list[Path] | None, service: str | None) -> int:
    from duygu.services.commands.mcp import run

    settings, key = Settings(), os.environ.get("DUYGU_API_KEY")
    set_up_logs(settings.log_format, settings.log_level)
    return run(settings, http=http, host=host, port=port, folders=folders, service=service, key=key)
