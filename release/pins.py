"""The packages that are installed beside Duygu, at their pinned versions."""

import re

from duygu.shared.paths import ROOT

SHIPPED = ("serve", "s3", "tracing")
"""Requirements of the images and of `scripts/run`."""

PIN = re.compile(r"^([a-z0-9-]+)==([^ \\;]+)", re.MULTILINE)


def shipped() -> dict[str, str]:
    """Version by name of every package that ships in an image."""
    texts = ((ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8") for name in SHIPPED)
    return dict(sorted(pin for text in texts for pin in PIN.findall(text)))
