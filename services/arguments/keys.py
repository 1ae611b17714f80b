"""`duygu keys`."""

import argparse
from pathlib import Path
from typing import Any

from duygu.services.commands import keys
from duygu.services.commands.completion import complete_files
from duygu.shared.config.api_keys import Priority, Scope

LIMITS = {
    "uploads-per-minute": "maximum uploads per minute",
    "pictures-per-minute": "maximum pictures per minute",
    "jobs-waiting": "maximum jobs that have not ended",
    "sessions": "maximum open live sessions",
    "megabytes-per-day": "maximum megabytes uploaded per day",
    "jobs-kept": "maximum jobs that are kept until they are deleted",
}
"""Limits of an API key, by option of `duygu keys add`."""


def add_keys(commands: Any) -> None:
    """Add the command `keys`."""
    actions = commands.add_parser("keys", help="manage API keys").add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", help="create a key, print it once, and store its hash in DUYGU_KEYS_FILE")
    add.set_defaults(command=keys.add)
    add.add_argument("name", help="name of the key: a-z, 0-9 and hyphens")
    _add_keys_file(add)
    scopes = [scope.value for scope in Scope]
    default = [Scope.SUBMIT.value, Scope.READ.value]
    add.add_argument(
        "--scopes", nargs="+", choices=scopes, default=default, help=f"scopes of the key (default: {' '.join(default)})"
    )
    for limit, meaning in LIMITS.items():
        add.add_argument(f"--{limit}", type=int, metavar="N", help=meaning)
    add.add_argument(
        "--priority",
        choices=[priority.value for priority in Priority],
        default=Priority.INTERACTIVE.value,
        help="jobs of interactive keys start before those of bulk keys, at most four for each bulk job "
        "(default: interactive)",
    )
    listed = actions.add_parser("list", help="list the keys with their scopes, limits and priority")
    listed.set_defaults(command=keys.list_keys)
    _add_keys_file(listed)
    remove = actions.add_parser("remove", help="remove a key; a running service reloads the file")
    remove.set_defaults(command=keys.remove)
    remove.add_argument("name", help="name of the key")
    _add_keys_file(remove)


def _add_keys_file(action: argparse.ArgumentParser) -> None:
    complete_files(action.add_argument("--file", type=Path, help="API key file (DUYGU_KEYS_FILE)"))
