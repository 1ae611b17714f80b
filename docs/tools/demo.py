"""Draws docs/images/demo.gif from a video of scikit-image's astronaut (NASA): `python -m docs.tools.demo`."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import av
from PIL import Image

from duygu.services.cli import main as duygu
from duygu.shared.paths import ROOT
from tests.support.media.videos import Actor, Scene, VideoMaker

IMAGE = ROOT / "docs" / "images" / "demo.gif"

SCENE = Scene(
    actors=(
        Actor(start=(0.28, 0.55), end=(0.36, 0.5), size=0.75),
        Actor(start=(0.76, 0.5), end=(0.66, 0.55), size=0.62, mirrored=True, seen=((1.2, 4.4),)),
    ),
    width=640,
    height=360,
    duration_s=5.0,
    brightness=0.9,
)

WIDTH, RATE_HZ, COLOURS = 416, 6, 48


def frames(path: Path) -> Iterator[Image.Image]:
    """Frames of a video, RATE_HZ a second, scaled to WIDTH."""
    due = 0.0
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if float(frame.time or 0.0) >= due:
                due += 1 / RATE_HZ
                height = round(frame.height * WIDTH / frame.width)
                yield frame.to_image(width=WIDTH, height=height)  # type: ignore[no-untyped-call]


def write(path: Path = IMAGE) -> None:
    """Analyse the video and write its annotated video as a GIF, with one palette for all frames."""
    with tempfile.TemporaryDirectory() as folder:
        video, annotated = VideoMaker(Path(folder)).make(SCENE), Path(folder) / "annotated.mp4"
        if duygu(["analyze", str(video), "--video", str(annotated), "--quiet"]) != 0:
            raise RuntimeError("the video could not be analysed")
        pictures = list(frames(annotated))
    palette = pictures[len(pictures) // 2].quantize(COLOURS)
    first, *others = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    first.save(path, save_all=True, append_images=others, duration=1000 // RATE_HZ, loop=0, optimize=True)


if __name__ == "__main__":
    write()
