"""Types of arguments."""

import argparse
import math
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from duygu.shared.inputs.links.link import is_link
from duygu.shared.model.label_choice import chosen_labels
from duygu.shared.schemas.emotions import EMOTIONS

MOST_HZ = 60.0
"""Maximum rate of pictures, as of a camera in a file of cameras."""

MOST_PORT = 65535


def share(text: str) -> float:
    """A number between 0 and 1."""
    if not 0 < (value := float(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def column(text: str) -> tuple[str, str]:
    """A name and a value, as NAME=VALUE."""
    name, equals, value = (part.strip() for part in text.partition("="))
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text} is not NAME=VALUE")
    return name, value


def count(text: str) -> int:
    """A whole number of at least 1."""
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{value} is below the minimum of 1")
    return value


def labels(text: str) -> tuple[str, ...]:
    """Labels of the model, separated by commas."""
    try:
        return chosen_labels([label.strip() for label in text.split(",")], EMOTIONS)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def port(text: str) -> int:
    """A TCP port; 0 is a free one."""
    if not 0 <= (value := int(text)) <= MOST_PORT:
        raise argparse.ArgumentTypeError(f"{value} is not between 0 and {MOST_PORT}")
    return value


def rate(text: str) -> float:
    """A positive number of pictures per second, at most 60."""
    if not 0 < (value := float(text)) <= MOST_HZ:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most {MOST_HZ:g} pictures per second")
    return value


def seconds(text: str) -> float:
    """A positive number of seconds."""
    if not 0 < (value := float(text)) < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of seconds")
    return value


def source(text: str) -> Path | str:
    """A path, or a link, in which the two slashes are kept."""
    return text if is_link(text) else Path(text)


def refuse_empty(parser: argparse.ArgumentParser) -> None:
    """Make an empty value of any argument, as of an unset shell variable, a usage error that names the argument."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                refuse_empty(command)
        elif action.nargs != 0:
            action.type = _not_empty(action.type or str)  # type: ignore[arg-type]  # a name in a registry is not used


def _not_empty(convert: Callable[[str], Any]) -> Callable[[str], Any]:
    @wraps(convert)
    def converted(text: str) -> Any:
        if not text:
            raise argparse.ArgumentTypeError("the value is empty")
        return convert(text)

    return converted
