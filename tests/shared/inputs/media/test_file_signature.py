"""Detection of files that are not videos by their first bytes."""

from dataclasses import replace

import pytest

from duygu.shared.inputs.media.file_signature import HEAD_BYTES, is_not_video
from tests.support.media.videos import STILL, VideoMaker


@pytest.mark.parametrize("container", ["mp4", "mkv", "webm", "avi", "mov", "ts", "flv", "gif"])
def test_containers_pass(video_maker: VideoMaker, container: str) -> None:
    """No video format is rejected by its first bytes."""
    codecs = {"webm": "libvpx", "flv": "flv", "gif": "gif"}
    pixels = {"gif": "rgb8"}
    scene = replace(
        STILL,
        duration_s=0.2,
        container=container,
        codec=codecs.get(container, "libx264"),
        pixel_format=pixels.get(container, "yuv420p"),
    )
    assert not is_not_video(video_maker.make(scene).read_bytes()[:HEAD_BYTES])


@pytest.mark.parametrize("head", [b"YUV4MPEG2 W64 H48 F30:1\nFRAME\n", b"\0\0\1\xba\x44", b"\0\0\0\1\x67\x42"])
def test_raw_streams_pass(head: bytes) -> None:
    """Videos that begin with text or without a container signature are accepted."""
    assert not is_not_video(head)


@pytest.mark.parametrize(
    "head",
    [
        b"Dear diary,\r\n\ttoday was fine.",
        "Günaydın, bugün hava çok güzel".encode(),
        ("a" * (HEAD_BYTES - 1) + "ü").encode()[:HEAD_BYTES],
        b"ffconcat version 1.0\nfile upload\n",
        b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n",
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n",
        b"<html></html>",
        b"%PDF-1.7\n\xc4\xe5",
        b"PK\x03\x04\x14\0",
        b"\x7fELF\x02\x01",
        b"\xff\xd8\xff\xe0\0\x10JFIF",
        b"ID3\x04\0",
        b"RIFF\xe6\x13\0\0WEBPVP8X",
    ],
)
def test_other_files_do_not(head: bytes) -> None:
    """Text, playlists, documents, archives, programs, photographs and sound are rejected."""
    assert is_not_video(head)
