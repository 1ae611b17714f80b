"""A short run of each target of `scripts/fuzz` with a fixed seed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from duygu.shared.config.settings import Settings
from tests.fuzz.__main__ import small_videos
from tests.fuzz.files import Files
from tests.fuzz.media import Media
from tests.fuzz.pictures import LivePictures
from tests.fuzz.requests import Requests
from tests.fuzz.running import FindingError, Target, fuzz
from tests.fuzz.service import service
from tests.fuzz.sessions import Sessions
from tests.shared.vision.decode.file_kinds import KINDS

SEED = 1


def run(target: Target, count: int, folder: Path) -> str:
    """Run a number of inputs, fail on a finding, and return the summary."""
    report = fuzz(target, SEED, lambda number: number < count, folder)
    assert report.findings == []
    assert report.outcomes.total() == count
    return str(report)


def test_pictures(tmp_path: Path) -> None:
    """Damaged pictures are decoded or refused, and the summary counts both."""
    summary = run(LivePictures(), 300, tmp_path)
    assert summary.startswith("pictures: 300 inputs in ")
    assert " decoded" in summary
    assert " undecodable_picture" in summary
    assert summary.endswith(": ok")


def test_files(tmp_path: Path) -> None:
    """Damaged manifests, recipes, clips, model folders, keys and results are read or raise a DuyguError."""
    assert " bad_training_data" in run(Files(tmp_path), 300, tmp_path / "findings")


def test_media(tmp_path: Path, settings: Settings) -> None:
    """Damaged videos of a few kinds are decoded or refused."""
    run(Media(tmp_path, settings, KINDS[:1] + KINDS[15:18]), 8, tmp_path / "findings")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a whole service."""
    with service(tmp_path_factory.mktemp("service")) as address:
        yield address


def test_http(address: str, tmp_path: Path) -> None:
    """No request has the status 500, and no job fails with an internal error."""
    target = Requests(address, small_videos(tmp_path))
    assert " 202" in run(target, 60, tmp_path / "findings")
    target.check_alive()


def test_sessions(address: str, tmp_path: Path) -> None:
    """Every session ends with a code of the protocol."""
    assert " closed with 1000" in run(Sessions(address), 10, tmp_path / "findings")


class Fails:
    """A target that fails on some inputs."""

    name = "fails"
    deadline_s = 1.0

    def make(self, random: np.random.Generator) -> bytes:
        """Return one byte."""
        return bytes([int(random.integers(0, 4))])

    def run(self, content: bytes) -> str:
        """Fail on 0."""
        if content == b"\0":
            raise FindingError("zero")
        return "ok"


def test_what_is_found_is_kept(tmp_path: Path) -> None:
    """An input with a finding is stored with the reason beside it."""
    report = fuzz(Fails(), SEED, lambda number: number < 20, tmp_path)
    assert report.outcomes["findings"] == len(report.findings) > 0
    assert str(report).endswith(" FINDINGS")
    (reason,) = tmp_path.glob("*.txt")
    assert "FindingError: zero" in reason.read_text(encoding="utf-8")
    assert reason.with_suffix("").read_bytes() == b"\0"
