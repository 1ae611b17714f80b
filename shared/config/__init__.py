"""Settings of the service: values of the environment, and keys of the API."""

import importlib
import warnings
from typing import Any


def __getattr__(name: str) -> Any:
    """Resolve names that this package had as a module, with a warning."""
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module("duygu.shared.config.settings"), name)
    message = (
        f"import {name} from duygu.shared.config.settings, as duygu.shared.config will not have it in the next version"
    )
    warnings.warn(message, DeprecationWarning, stacklevel=2)
    return value
