"""Folders of the checkout or of the installed package."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""Folder of `models`: the checkout, or the package `duygu` where that is installed."""

IS_CHECKOUT = (ROOT / "duygu").is_dir()

IMPORT_PATH = ROOT if IS_CHECKOUT else ROOT.parent
"""Folder of the package `duygu`, for processes that are started without the environment of this one."""
