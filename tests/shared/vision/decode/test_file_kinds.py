"""Tests of every kind of file in docs/file-kinds.md."""

from pathlib import Path

import pytest

from duygu.shared.config.engine import decode_limits
from duygu.shared.config.settings import Settings
from duygu.shared.errors import VideoError
from duygu.shared.paths import ROOT
from duygu.shared.schemas.result import Result
from duygu.shared.vision.analysis import analyze_video
from duygu.shared.vision.engine import Engine
from tests.shared.vision.decode.file_kinds import FACE, KINDS, NO_FACE, Kind, table
from tests.support.media.videos import VideoMaker


def what_comes(path: Path, engine: Engine, settings: Settings) -> tuple[str, set[str]]:
    """Return FACE, NO_FACE or an error code for a file, and the warnings and flags of its result."""
    try:
        result = analyze_video(path, engine, decode_limits(settings))
    except VideoError as error:
        return error.code, set()
    return {0: NO_FACE, 1: FACE}[len(result.faces)], side_codes(result)


def side_codes(result: Result) -> set[str]:
    """Return the codes of warnings and the flags of windows."""
    flags = {str(flag) for face in result.faces for window in face.windows for flag in window.flags}
    return flags | {warning.code for warning in result.warnings}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_kind_of_file(kind: Kind, video_maker: VideoMaker, engine: Engine, tiny_settings: Settings) -> None:
    """Each kind of file has the documented result."""
    gets, also = what_comes(kind.make(video_maker), engine, tiny_settings)
    assert gets == kind.gets
    assert not kind.also or kind.also in also


def test_documented() -> None:
    """docs/file-kinds.md matches the tested kinds."""
    assert (ROOT / "docs" / "file-kinds.md").read_text(encoding="utf-8") == table()
