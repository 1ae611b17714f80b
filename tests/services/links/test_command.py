"""`duygu analyze` and `duygu.analyze` with a link."""

import json
from pathlib import Path

import pytest

from duygu import analyze
from duygu.services.cli import main
from duygu.shared.config.settings import Settings
from duygu.shared.errors import LinkRefusedError
from tests.support.media.videos import PAN, VideoMaker
from tests.support.servers.file_server import serving_file


def test_links_are_fetched_and_analysed(
    service_settings: Settings,
    video_maker: VideoMaker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The result of a link has its name and hash; a private address is refused unless the settings permit it."""
    monkeypatch.setenv("DUYGU_MODEL", str(service_settings.model))
    video = video_maker.make(PAN).read_bytes()
    with serving_file(video, location="/file") as server:
        url = server.url.replace("/file", "/in/talk.mp4?token=hidden")
        assert main(["analyze", url, "--json", "-"]) == 1
        refused = capsys.readouterr()
        assert "link_refused" in refused.err
        assert "hidden" not in refused.err
        with pytest.raises(LinkRefusedError):
            analyze(url)
        monkeypatch.setenv("DUYGU_LINK_NETWORKS", "127.0.0.0/8")
        assert main(["analyze", url, "--json", "-", "--csv", f"{tmp_path}/"]) == 0
        analysis = analyze(url)
    printed = json.loads(capsys.readouterr().out)
    assert printed["video"]["name"] == "talk.mp4"
    assert printed["video"]["sha256"] == analysis.result.video.sha256
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".csv"] == ["talk.csv"]
