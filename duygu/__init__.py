"""Duygu from Python: `analyze` works on a video in this process, `duygu.client` talks to a service.

from duygu import analyze

analysis = analyze("holiday.mp4")
analysis.to_pandas()
"""

from duygu.analysis import Analysis, analyze

__all__ = ["Analysis", "analyze"]
