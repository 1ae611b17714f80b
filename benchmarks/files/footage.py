"""Benchmark videos, made from the recordings in DUYGU_TEST_DATA or else from the synthetic face of the tests."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np

from tests.support.extra_data import CLIPS
from tests.support.media.videos import NOBODY, PAN, Actor, Image

LOOP_S = 10
"""Length of the encoded loop; longer videos repeat its packets. It plays forwards, then backwards, without a seam."""

ONE_FACE_CLIP, NO_FACE_CLIP = "WolfgangLanger_Pexels.mp4", "no_face.mp4"

FACE_SIDE, FACE_LEFT = 360, 250
"""The part of ONE_FACE_CLIP's frames, 640 x 360, that contains the head."""


@dataclass(frozen=True, slots=True)
class Footage:
    """Parameters of a benchmark video."""

    name: str
    width: int
    height: int
    fps: int
    faces: int

    def make(self, folder: Path, minutes: int = 1) -> Path:
        """Path of the file, which is created on first use."""
        loop, path = folder / f"{self.name}.loop.mp4", folder / f"{self.name}.{minutes}.mp4"
        if not loop.exists():
            encode(self, loop)
        if not path.exists():
            repeat(loop, path, minutes * 60 // LOOP_S)
        return path

    def pictures(self) -> Iterator[Image]:
        """Frames (height, width, 3) RGB, for LOOP_S seconds."""
        make = from_clips if CLIPS else from_scene
        half = list(make(self))
        return islice((picture for part in (half, half[::-1]) for picture in part), LOOP_S * self.fps)


CASES = (
    Footage("720p30_1face", 1280, 720, 30, 1),
    Footage("720p30_3faces", 1280, 720, 30, 3),
    Footage("720p30_0faces", 1280, 720, 30, 0),
    Footage("1080p60_1face", 1920, 1080, 60, 1),
)

CROWDS = tuple(Footage(f"720p30_{faces}faces", 1280, 720, 30, faces) for faces in (2, 4, 8))

SMALL = Footage("360p30_1face", 640, 360, 30, 1)
"""Baseline for WALLS."""

WALLS = tuple(Footage(f"360p30_{faces}faces", 640, 360, 30, faces) for faces in (8, 16, 32))
"""Grids of speaking faces that do not move, all larger than the smallest face to detect."""

MOST_RECORDED = 8
"""Maximum number of different recordings per video. More faces repeat them, since each takes 100 MB to prepare."""

GRIDS = {2: (1, 2), 3: (1, 3), 4: (1, 4), 8: (2, 4), 16: (3, 6), 32: (4, 8)}
"""Rows and columns of heads, by number of faces."""


def from_clips(footage: Footage) -> Iterator[Image]:
    """One face is shown as it was recorded; several are the same man at different times, side by side."""
    count = LOOP_S * footage.fps // 2
    size = (footage.width, footage.height)
    if footage.faces <= 1:
        for picture in recorded(ONE_FACE_CLIP if footage.faces else NO_FACE_CLIP, 0.0, footage.fps, count):
            yield np.asarray(cv2.resize(picture, size), np.uint8)
        return
    people = [
        recorded(ONE_FACE_CLIP, 2.0 * person, footage.fps, count) for person in range(min(footage.faces, MOST_RECORDED))
    ]
    for pictures in zip(*people, strict=True):
        yield tiled(list(islice(cycle(pictures), footage.faces)), *GRIDS[footage.faces], size)


def tiled(pictures: list[Image], rows: int, columns: int, size: tuple[int, int]) -> Image:
    """Arrange heads in a grid on a grey background."""
    width, height = size
    side = min(width // columns, height // rows)
    canvas = np.full((height, width, 3), 90, np.uint8)
    for place, picture in enumerate(pictures):
        row, column = divmod(place, columns)
        head = picture[:, FACE_LEFT : FACE_LEFT + FACE_SIDE]
        top, left = row * (height // rows), column * (width // columns)
        canvas[top : top + side, left : left + side] = cv2.resize(head, (side, side))
    return canvas


def recorded(name: str, start_s: float, fps: int, count: int) -> Iterator[Image]:
    """Resample a recording to another frame rate: the frame that a player shows at each time."""
    assert CLIPS  # noqa: S101 - only called where there are recordings
    with av.open(str(CLIPS / name)) as container:
        frames = [
            (frame.time, np.asarray(frame.to_ndarray(format="rgb24"), np.uint8))
            for frame in container.decode(video=0)
            if start_s <= frame.time <= start_s + LOOP_S / 2 + 1
        ]
    place = 0
    for index in range(count):
        while place + 1 < len(frames) and frames[place + 1][0] - frames[0][0] <= index / fps:
            place += 1
        yield frames[place][1]


def from_scene(footage: Footage) -> Iterator[Image]:
    """The synthetic face of the tests, moving; several side by side."""
    scene = replace(NOBODY, width=footage.width, height=footage.height, duration_s=LOOP_S / 2)
    if footage.faces == 1:
        scene = replace(scene, actors=PAN.actors)
    elif footage.faces:
        scene = replace(scene, actors=tuple(standing(person, footage.faces) for person in range(footage.faces)))
    for index in range(LOOP_S * footage.fps // 2):
        yield scene.picture(index / footage.fps)


def standing(person: int, count: int) -> Actor:
    """Actor at one position of the grid."""
    rows, columns = GRIDS[count]
    row, column = divmod(person, columns)
    x, y = (column + 0.5) / columns, (row + 0.5) / rows
    return Actor(start=(x - 0.1 / columns, y), end=(x + 0.1 / columns, y), size=0.8 / rows)


def encode(footage: Footage, path: Path) -> None:
    """Encode H.264 as phones and editors do: B-frames as references, a key frame every 10 s."""
    with av.open(str(path), "w") as container:
        options = {"preset": "medium", "crf": "23"}
        stream = container.add_stream("libx264", rate=footage.fps, options=options)
        stream.width, stream.height, stream.pix_fmt = footage.width, footage.height, "yuv420p"
        for index, picture in enumerate(footage.pictures()):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.time_base, frame.pts = Fraction(1, footage.fps), index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def repeat(loop: Path, path: Path, times: int) -> None:
    """Repeat the packets, each time LOOP_S later."""
    with av.open(str(path), "w") as output:
        target = None
        for round_ in range(times):
            with av.open(str(loop)) as container:
                source = container.streams.video[0]
                target = target or output.add_stream_from_template(source)
                later = round(round_ * LOOP_S / cast(Fraction, source.time_base))
                for packet in container.demux(source):
                    if packet.size and packet.dts is not None and packet.pts is not None:
                        packet.pts, packet.dts, packet.stream = packet.pts + later, packet.dts + later, target
                        output.mux(packet)
