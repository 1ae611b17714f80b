"""Duygu from Python: `analyze` analyses a video in this process, `duygu.client` connects to a service.

from duygu import analyze

analysis = analyze("holiday.mp4")
analysis.to_pandas()
"""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duygu.analysis import Analysis, analyze

__all__ = ["Analysis", "analyze"]

# ONNX Runtime 1.29 and later send telemetry and store a device id unless this is set before their import.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def __getattr__(name: str) -> Any:
    """Import the engine on first use, as the API and the decoding process do not have its packages."""
    if name in __all__:
        from duygu import analysis

        return getattr(analysis, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
