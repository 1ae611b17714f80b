"""Decoding single pictures in a child process: equal frames, and isolation from harmful pictures."""

import random
import select
import signal
import struct
import zlib
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from duygu.shared.errors import UndecodablePictureError
from duygu.shared.vision.decode.pictures.decoder import Ahead, ImageDecoder
from duygu.shared.vision.decode.pictures.decoding import decode_frame
from duygu.shared.vision.decode.video import detection_side
from tests.services.conftest import wait_until
from tests.support.media.videos import Scene
from tests.support.sockets import jpeg

WIDE = np.ascontiguousarray(Scene(width=1280, height=720).picture(0.0)[:, :, ::-1])

WIDE_PICTURE = jpeg(WIDE[:, :, ::-1])

GOOD = jpeg(Scene(width=160, height=120).picture(0.0))

MIN_FACE = 0.06


@pytest.fixture
def decoder() -> Iterator[ImageDecoder]:
    """A decoder for pictures of up to 1280x720."""
    with ImageDecoder(picture_bytes=2_000_000, max_pixels=1280 * 720, min_face=MIN_FACE) as running:
        yield running


def child_of(decoder: ImageDecoder) -> psutil.Process:
    """Return the decoder's child process."""
    assert decoder._process
    return psutil.Process(decoder._process.pid)


@pytest.mark.parametrize("kind", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("size", [(1280, 720), (641, 359), (1, 1)])
def test_frames_are_those_of_this_process(decoder: ImageDecoder, kind: str, size: tuple[int, int]) -> None:
    """A frame equals one decoded in this process in every pixel, for every format and size."""
    picture = bytes(cv2.imencode(kind, cv2.resize(WIDE, size))[1])
    frame, own = decoder.decode(picture, 7, 0.5), decode_frame(picture, 7, 0.5, MIN_FACE)
    assert (frame.index, frame.time_s, frame.size) == (7, 0.5, size)
    assert np.array_equal(frame.rgb, own.rgb)
    assert np.array_equal(frame.grey, own.grey)


def test_what_cannot_be_decoded_is_said_and_the_process_stays(decoder: ImageDecoder) -> None:
    """Damaged, oversized and invalid pictures raise UndecodablePictureError, and the child keeps running."""
    decoder.decode(GOOD)
    before = child_of(decoder).pid
    large = bytes(cv2.imencode(".png", np.zeros((2000, 2000), np.uint8))[1])
    for picture in (b"", b"words", GOOD[:30], large, bytes(3_000_000), png_of(60_000, 60_000)):
        with pytest.raises(UndecodablePictureError):
            decoder.decode(picture)
    assert decoder.decode(GOOD).size == (160, 120)
    assert child_of(decoder).pid == before


def png_of(width: int, height: int) -> bytes:
    """Return a small PNG that declares a picture of gigabytes."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(1000))
    chunks = (
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in (header, data)
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGSEGV, signal.SIGXCPU])
def test_a_process_that_dies_is_replaced(decoder: ImageDecoder, death: signal.Signals) -> None:
    """When the child dies, its picture is refused, and a new child decodes the next one."""
    decoder.decode(GOOD)
    before = child_of(decoder)
    before.send_signal(death)
    wait_until(lambda: before.status() == psutil.STATUS_ZOMBIE)
    with pytest.raises(UndecodablePictureError):
        decoder.decode(GOOD)
    assert decoder.decode(GOOD).size == (160, 120)
    assert child_of(decoder).pid != before.pid


def test_a_process_that_hangs_is_replaced(decoder: ImageDecoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that exceeds the time limit of a picture is replaced."""
    decoder.decode(GOOD)
    monkeypatch.setattr("duygu.shared.vision.decode.pictures.decoder.PICTURE_S", 0.3)
    child_of(decoder).send_signal(signal.SIGSTOP)
    with pytest.raises(UndecodablePictureError):
        decoder.decode(GOOD)
    monkeypatch.undo()
    assert decoder.decode(GOOD).size == (160, 120)


PICTURES = [jpeg(Scene(width=160 + 16 * number, height=120).picture(0.0)) for number in range(5)]


def test_announced_pictures_are_decoded_meanwhile(decoder: ImageDecoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame keeps its pixels while the next picture is decoded, and each picture is sent to the child once."""
    sent: list[bytes] = []
    send = decoder._send

    def recorded(picture: bytes, side: int) -> Ahead:
        sent.append(picture)
        return send(picture, side)

    monkeypatch.setattr(decoder, "_send", recorded)
    for picture, following in zip_longest(PICTURES, PICTURES[1:]):
        decoder.announce(following)
        frame, own = decoder.decode(picture), decode_frame(picture, 0, 0.0, MIN_FACE)
        if following:
            assert decoder._process
            select.select([decoder._process._output], [], [])  # until the next picture is in the shared memory, too
        assert np.array_equal(frame.rgb, own.rgb)
        assert np.array_equal(frame.grey, own.grey)
    assert sent == PICTURES


def test_an_announced_picture_may_not_follow(decoder: ImageDecoder) -> None:
    """Another picture, or another smallest face, than announced is decoded as if nothing had been announced."""
    decoder.announce(PICTURES[1])
    decoder.decode(PICTURES[0])
    assert decoder.decode(PICTURES[2]).size == (192, 120)
    decoder.announce(WIDE_PICTURE)
    decoder.decode(PICTURES[0])
    assert decoder.decode(WIDE_PICTURE, min_face=0.5).small_size != (1280, 720)
    decoder.announce(None)
    assert decoder.decode(PICTURES[3]).size == (208, 120)


@pytest.mark.parametrize("bad", [b"", b"words", GOOD[:30], bytes(3_000_000), b"\xff\xd8" + bytes(100) + b"\xff\xd9"])
def test_an_announced_picture_that_cannot_be_decoded_costs_no_other(decoder: ImageDecoder, bad: bytes) -> None:
    """The picture before and the one after it are decoded."""
    decoder.announce(bad)
    assert decoder.decode(PICTURES[0]).size == (160, 120)
    decoder.announce(PICTURES[1])
    with pytest.raises(UndecodablePictureError):
        decoder.decode(bad)
    assert decoder.decode(PICTURES[1]).size == (176, 120)


@pytest.mark.parametrize("announced_follows", [True, False])
def test_a_process_that_dies_of_an_announced_picture_is_replaced(
    decoder: ImageDecoder, *, announced_follows: bool
) -> None:
    """The announced picture is refused, and another one that comes in its place is decoded by a new process."""
    decoder.decode(PICTURES[0])
    child = child_of(decoder)
    child.suspend()
    decoder._send(PICTURES[1], detection_side(MIN_FACE))
    child.kill()
    wait_until(lambda: child.status() == psutil.STATUS_ZOMBIE)
    if announced_follows:
        with pytest.raises(UndecodablePictureError):
            decoder.decode(PICTURES[1])
    assert decoder.decode(PICTURES[2]).size == (192, 120)
    assert child_of(decoder).pid != child.pid


def test_the_process_can_do_nothing_else(decoder: ImageDecoder) -> None:
    """The child has no free file descriptor, limits on memory and processor time, and may not write files."""
    decoder.decode(GOOD)
    child = child_of(decoder)
    held = list(Path(f"/proc/{child.pid}/fd").iterdir())
    assert child.rlimit(psutil.RLIMIT_NOFILE) == (len(held), len(held))
    assert child.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
    assert 0 < child.rlimit(psutil.RLIMIT_AS)[0] < 500_000_000
    assert 0 < child.rlimit(psutil.RLIMIT_CPU)[0] < 60
    assert "DUYGU" not in " ".join(child.environ())


def test_it_ends_when_it_is_closed() -> None:
    """Closing the decoder ends its child, also before the first picture."""
    decoder = ImageDecoder(picture_bytes=1000, max_pixels=1000, min_face=MIN_FACE)
    child = child_of(decoder)
    decoder.close()
    assert not child.is_running()


def test_any_damage_is_survived(decoder: ImageDecoder) -> None:
    """Pictures with random damage are decoded or refused, and valid ones are decoded afterwards."""
    chance = random.Random(5)  # noqa: S311 - the same damage each time
    for kind in (".jpg", ".png", ".webp"):
        picture = bytes(cv2.imencode(kind, cv2.resize(WIDE, (160, 120)))[1])
        for _ in range(60):
            damaged = bytearray(picture)
            for _ in range(chance.randrange(1, 8)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            try:
                decoder.decode(bytes(damaged))
            except UndecodablePictureError:
                continue
    assert decoder.decode(GOOD).size == (160, 120)
