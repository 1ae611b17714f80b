"""Duygu from Python: `analyze` and `study` analyse videos in this process, `duygu.client` connects to a service.

from duygu import analyze

analysis = analyze("holiday.mp4")
analysis.to_pandas()
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

from duygu.shared.version import VERSION

if TYPE_CHECKING:
    from duygu.analysis import Analysis, analyze
    from duygu.studies import StudyAnalysis, study

__all__ = ["Analysis", "StudyAnalysis", "analyze", "study"]

__version__ = VERSION

MODULES = {"Analysis": "analysis", "StudyAnalysis": "studies", "analyze": "analysis", "study": "studies"}

# ONNX Runtime 1.29 and later send telemetry and store a device id unless this is set before their import.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def __getattr__(name: str) -> Any:
    """Import the engine on first use, as the API and the decoding process do not have its packages."""
    if name in MODULES:
        return getattr(importlib.import_module(f"duygu.{MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
