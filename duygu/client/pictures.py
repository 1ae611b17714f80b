"""Sources of pictures for live sessions: a camera, or a video file at its own rate."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

ROUNDING_S = 0.001
"""Rounding error of timestamps, which containers store in milliseconds or more coarsely."""

QUALITY = 95
"""JPEG quality, 0 to 100."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One encoded picture and its capture time, in seconds from an arbitrary origin."""

    captured_at: float
    data: bytes  # JPEG, PNG or WebP


def camera(index: int = 0, *, rate_hz: float = 10.0) -> Iterator[Picture]:
    """Yield pictures of a local camera until it fails."""
    capture = cv2.VideoCapture(index)
    due = time.monotonic()
    try:
        while capture.grab():
            now = time.monotonic()
            if now < due:
                continue
            due = max(due + 1 / rate_hz, now)
            there, pixels = capture.retrieve()
            if there:
                yield Picture(now, encode(np.asarray(pixels, np.uint8)))
    finally:
        capture.release()


def video(path: Path, *, rate_hz: float | None = None, speed: float = 1.0) -> Iterator[Picture]:
    """Yield pictures of a video file in real time; `rate_hz` limits their rate."""
    started, due_s, first_s = time.monotonic(), 0.0, None
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            stored_s = frame.time or 0.0
            first_s = stored_s if first_s is None else first_s
            time_s = stored_s - first_s
            if time_s < due_s - ROUNDING_S:
                continue
            due_s += 1 / rate_hz if rate_hz else 0.0
            time.sleep(max(0.0, started + time_s / speed - time.monotonic()))
            pixels = np.rot90(frame.to_ndarray(format="bgr24"), frame.rotation // 90 % 4)
            yield Picture(time_s, encode(np.ascontiguousarray(pixels)))


def encode(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Encode (h, w, 3) BGR pixels as JPEG."""
    return bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1])
