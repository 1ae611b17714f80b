"""ZIP files of several texts, byte for byte the same for the same content."""

import io
import zipfile
from collections.abc import Mapping

EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time of every file: the earliest that ZIP can hold."""

READABLE = 0o644 << 16


def archive(files: Mapping[str, str | bytes]) -> bytes:
    """Render a ZIP of files by path; texts are UTF-8."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, READABLE
            target.writestr(entry, data)
    return content.getvalue()
