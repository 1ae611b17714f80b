"""The video with every face covered: MTCNN finds nobody in it, and nothing of a face is left."""

import os
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from duygu.shared.annotated import write_blurred_video
from duygu.shared.annotated.face_areas import BEFORE_AND_AFTER_S, FaceAreas
from duygu.shared.annotated.face_cover import GREY, cover
from duygu.shared.config.engine import decode_limits, detector_of, engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.errors import CancelledError
from duygu.shared.schemas.base import Box
from duygu.shared.schemas.result import Result
from duygu.shared.vision.analysis import analyze_video
from duygu.shared.vision.decode.video import Video
from duygu.shared.vision.engine import load_engine
from tests.shared.annotated.test_annotated_video import result_of
from tests.support.media.videos import CUT, PAIR, PAN, Actor, Scene, VideoMaker

SMALLEST = 20.0
"""Pixels; facenet-pytorch's default."""

ENTERS = Scene(actors=(Actor(size=0.7, seen=((0.37, 0.63), (1.21, 1.3))),))
"""A face that appears twice, once for three pictures, between two analysed ones."""

SMALL = Scene(actors=(Actor(size=0.28, start=(0.2, 0.5), end=(0.8, 0.5)),), width=320, height=240)
"""A face of 32 pixels; the analysis excludes such faces."""


def pictures_with_faces(path: Path, settings: Settings) -> set[int]:
    """Numbers of the pictures in which MTCNN finds a face of 20 pixels or more."""
    found = set()
    with Video(path, decode_limits(settings), None) as video:
        for frame in video:
            smallest = SMALLEST / min(frame.small_size)
            if len(detector_of(settings).with_limits(min_face=smallest, max_faces=32).detect(frame).boxes):
                found.add(frame.index)
    return found


def blurred(video: Path, result: Result, target: Path, settings: Settings) -> Path:
    """Write the video with covered faces."""
    write_blurred_video(video, result, target, detector_of(settings), decode_limits(settings))
    return target


@pytest.mark.parametrize("scene", [PAN, PAIR, CUT, ENTERS], ids=["pan", "pair", "cut", "enters"])
def test_nobody_is_found_in_it(scene: Scene, video_maker: VideoMaker, tmp_path: Path, settings: Settings) -> None:
    """Of the pictures in which MTCNN found a face, it finds none in 99 %: moving faces, several, cuts and entries."""
    video = video_maker.make(scene)
    result = analyze_video(video, load_engine(engine_options(settings)), decode_limits(settings))
    before = pictures_with_faces(video, settings)
    after = pictures_with_faces(blurred(video, result, tmp_path / "blurred.mp4", settings), settings)
    assert len(before) > 8
    assert len(after & before) <= 0.01 * len(before)


def test_faces_that_the_analysis_left_out_are_covered(
    video_maker: VideoMaker, tmp_path: Path, settings: Settings
) -> None:
    """Faces below the smallest one of the analysis, and any face if the result has none, are found and covered."""
    video = video_maker.make(SMALL)
    result = result_of(SMALL).model_copy(update={"faces": []})
    before = pictures_with_faces(video, settings)
    target = blurred(video, result, tmp_path / "blurred.mp4", replace_settings(settings, min_face=0.4))
    assert len(before) > 30
    assert len(pictures_with_faces(target, settings) & before) <= 0.01 * len(before)


def replace_settings(settings: Settings, **values: object) -> Settings:
    """Settings with other values."""
    return settings.model_copy(update=values)


def test_an_excluded_face_is_covered(video_maker: VideoMaker, tmp_path: Path, settings: Settings) -> None:
    """The area of a face that an edit excluded is covered, also where the detector finds nobody."""
    scene = Scene(actors=(), duration_s=0.5)
    video, plain = video_maker.make(scene), result_of(scene)
    [face] = plain.faces
    hidden, nobody = (
        plain.model_copy(update={"faces": faces}) for faces in ([face.model_copy(update={"excluded": True})], [])
    )
    contents = [
        blurred(video, result, tmp_path / f"{at}.mp4", settings).read_bytes()
        for at, result in enumerate((plain, hidden, nobody))
    ]
    assert contents[0] == contents[1] != contents[2]


def test_times_and_sound_are_kept(video_maker: VideoMaker, tmp_path: Path, settings: Settings) -> None:
    """The video has the pictures of the original at their times, its size, and its sound."""
    scene = replace(PAN, sound=True, duration_s=1.0)
    video = video_maker.make(scene)
    target = blurred(video, result_of(scene), tmp_path / "blurred.mp4", settings)
    with av.open(str(video)) as one, av.open(str(target)) as other:
        assert len(other.streams.audio) == 1
        assert (other.streams.video[0].width, other.streams.video[0].height) == (scene.width, scene.height)
        times = [[float(frame.time or 0) for frame in file.decode(video=0)] for file in (one, other)]
    assert times[1] == pytest.approx([time - times[0][0] for time in times[0]], abs=0.002)


def test_it_can_be_cancelled(video_maker: VideoMaker, tmp_path: Path, settings: Settings) -> None:
    """Either reading ends soon after `should_stop` becomes true."""
    with pytest.raises(CancelledError):
        write_blurred_video(
            video_maker.make(PAN),
            result_of(PAN),
            tmp_path / "blurred.mp4",
            detector_of(settings),
            decode_limits(settings),
            should_stop=lambda: True,
        )


def test_progress_grows_to_the_end(video_maker: VideoMaker, tmp_path: Path, settings: Settings) -> None:
    """Searching and writing share one progress from 0 to 1."""
    shares: list[float] = []
    write_blurred_video(
        video_maker.make(PAN),
        result_of(PAN),
        tmp_path / "blurred.mp4",
        detector_of(settings),
        decode_limits(settings),
        on_progress=shares.append,
    )
    assert shares == sorted(shares)
    assert shares[0] < 0.1
    assert shares[-1] > 0.95


@pytest.mark.parametrize("boxes", [[(40.0, 30.0, 20.0, 20.0)], [(40.0, 30.0, 20.0, 20.0), (50.0, 35.0, 20.0, 20.0)]])
def test_nothing_of_a_covered_area_is_used(boxes: list[Box]) -> None:
    """Two pictures that differ within the areas only become the same picture, also where areas overlap."""
    random = np.random.default_rng(1)
    one = random.integers(0, 255, (90, 120, 3), np.uint8)
    other = one.copy()
    for x, y, width, height in boxes:
        part = (slice(round(y), round(y + height)), slice(round(x), round(x + width)))
        other[part] = random.integers(0, 255, other[part].shape, np.uint8)
    for picture in (one, other):
        cover(picture, boxes)
    assert np.array_equal(one, other)


def test_areas_at_the_edge_and_beyond_are_clipped() -> None:
    """A box that leaves the picture is covered as far as it is inside; one that fills the picture becomes grey."""
    picture = np.full((90, 120, 3), 200, np.uint8)
    cover(picture, [(-10.0, -10.0, 30.0, 30.0), (500.0, 10.0, 20.0, 20.0)])
    assert (picture == 200).all()
    cover(picture, [(-10.0, -10.0, 300.0, 300.0)])
    assert (picture == GREY).all()


def test_an_area_counts_before_and_after_its_picture() -> None:
    """The box of a picture is covered for some time around it, and no longer."""
    areas = FaceAreas([(1.0, (0.0, 0.0, 1.0, 1.0))])
    near = BEFORE_AND_AFTER_S - 0.01
    assert [len(areas.at(time_s)) for time_s in (1 - near - 0.1, 1 - near, 1.0, 1 + near, 1 + near + 0.1)] == [
        0,
        1,
        1,
        1,
        0,
    ]


CLIPS = Path(os.environ.get("DUYGU_TEST_DATA") or ".") / "clips"


@pytest.mark.parametrize("name", ["single_face.mp4", "face_noface.mov", "stage_with_cuts.mp4"])
def test_nobody_is_found_in_recordings(name: str, tmp_path: Path, settings: Settings) -> None:
    """The same for recordings of people who turn, leave and are cut to."""
    video = CLIPS / name
    if not video.exists():
        pytest.skip("DUYGU_TEST_DATA has no such clip")
    result = analyze_video(video, load_engine(engine_options(settings)), decode_limits(settings))
    before = pictures_with_faces(video, settings)
    after = pictures_with_faces(blurred(video, result, tmp_path / "blurred.mp4", settings), settings)
    assert len(after & before) <= 0.01 * len(before)
