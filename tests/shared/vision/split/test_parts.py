"""A video in parts has the result of the video in one piece."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from duygu.shared.config.engine import decode_limits
from duygu.shared.config.settings import Settings
from duygu.shared.errors import VideoError
from duygu.shared.schemas.options import AnalysisOptions
from duygu.shared.schemas.result import Face, Result
from duygu.shared.vision.analysis import analyze_video
from duygu.shared.vision.decode.file_index import read_index
from duygu.shared.vision.detect.boxes import overlaps
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.split.joining import PartJoiner
from duygu.shared.vision.split.part_analysis import analyze_part
from duygu.shared.vision.split.part_file import PartFile
from duygu.shared.vision.split.plan import VideoPart, plan_parts
from duygu.shared.vision.split.unjoinable import UnjoinableError
from tests.support.media.videos import Actor, Scene, VideoMaker

pytestmark = pytest.mark.long

LEFT, RIGHT = Actor(start=(0.25, 0.5), size=0.6), Actor(start=(0.75, 0.5), size=0.6, mirrored=True)

SCENE = Scene(actors=(LEFT,), duration_s=14.0, fps=20.0, gop=20)

SCENES = {
    "a face that stays": SCENE,
    "a face that moves across the seam": replace(SCENE, actors=(replace(LEFT, end=(0.75, 0.5)),)),
    "two faces that cross": replace(
        SCENE,
        actors=(
            Actor(start=(0.2, 0.3), end=(0.8, 0.3), size=0.45),
            Actor(start=(0.8, 0.72), end=(0.2, 0.72), size=0.45),
        ),
    ),
    "a face that comes long before the seam": replace(SCENE, actors=(LEFT, replace(RIGHT, seen=((2.0, math.inf),)))),
    "a face that comes and one that goes": replace(
        SCENE, actors=(replace(LEFT, seen=((0.0, 9.0),)), replace(RIGHT, seen=((8.5, math.inf),)))
    ),
    "a face that is hidden at the seam": replace(SCENE, actors=(replace(LEFT, seen=((0.0, 6.8), (7.4, math.inf))),)),
    "a face that goes at the seam": replace(SCENE, actors=(replace(LEFT, seen=((0.0, 7.0),)), RIGHT)),
    "a cut at the seam": replace(
        SCENE,
        cuts=(7.0,),
        actors=(replace(LEFT, seen=((0.0, 7.0),)), replace(RIGHT, seen=((7.0, math.inf),), size=0.8)),
    ),
    "cuts around the seam": replace(SCENE, cuts=(3.0, 6.5, 9.2), actors=(LEFT, RIGHT)),
    "nobody at the seam": replace(SCENE, actors=(replace(LEFT, seen=((0.0, 5.0), (9.0, math.inf))),)),
    "nobody": replace(SCENE, actors=()),
    "a varying frame rate": replace(SCENE, container="mkv", jitter=0.7),
}
"""Videos of 14 s, whose seam is at 7 s."""

WARM_UP_S = 3.0


def parts_of(path: Path, settings: Settings, engine: Engine, count: int, options: AnalysisOptions) -> list[VideoPart]:
    """Cut a short video, whatever it costs."""
    index = read_index(path, decode_limits(settings))
    longest_s = (options.end_s or index.duration_s or 0.0) - (options.start_s or 0.0)
    rate_hz = engine.recipe.rate_hz
    return plan_parts(index, options, longest_s / count + 0.01, rate_hz, warm_up_s=WARM_UP_S, max_extra=9.0)


def joined(
    path: Path, parts: list[VideoPart], settings: Settings, engine: Engine, options: AnalysisOptions, folder: Path
) -> Result:
    """Analyse the parts from the last to the first, and join them."""
    for part in reversed(parts):
        analyze_part(
            path,
            folder / str(part.number),
            part,
            engine,
            decode_limits(settings),
            options,
            on_progress=lambda progress: None,
            should_stop=lambda: False,
        )
    joiner = PartJoiner(parts, engine, options)
    for part in parts:
        with PartFile(folder / str(part.number)) as file:
            joiner.add(file)
    return joiner.result(None)


def in_parts(
    path: Path,
    settings: Settings,
    engine: Engine,
    folder: Path,
    count: int = 2,
    options: AnalysisOptions | None = None,
) -> Result:
    """The result of a video in parts."""
    options = options or AnalysisOptions()
    parts = parts_of(path, settings, engine, count, options)
    assert len(parts) == count
    return joined(path, parts, settings, engine, options, folder)


def times(face: Face) -> list[tuple[float, float]]:
    """Starts and ends of the windows of a face."""
    return [(window.start_s, window.end_s) for window in face.windows]


def overlaps_in_time(one: Face, other: Face) -> npt.NDArray[np.float32]:
    """IoU of the boxes of two faces in each of their frames."""
    boxes = (np.array([position.box for position in face.positions], np.float32) for face in (one, other))
    corners = (np.concatenate([sides[:, :2], sides[:, :2] + sides[:, 2:]], axis=1) for sides in boxes)
    return np.asarray(np.diagonal(overlaps(*corners)), np.float32)


def largest_difference(whole: Face, split: Face) -> float:
    """Largest difference of a probability of the same window."""
    return max(
        abs(one.probabilities[label] - other.probabilities[label])
        for one, other in zip(whole.windows, split.windows, strict=True)
        for label in one.probabilities
    )


def assert_same(whole: Result, split: Result) -> None:
    """The two results have the same faces with the same windows and positions, to the noise of two trackers."""
    assert split.video == whole.video
    assert split.warnings == whole.warnings
    assert [face.face_id for face in split.faces] == [face.face_id for face in whole.faces]
    for one, other in zip(whole.faces, split.faces, strict=True):
        assert times(other) == times(one)
        assert [position.time_s for position in other.positions] == [position.time_s for position in one.positions]
        assert [window.flags for window in other.windows] == [window.flags for window in one.windows]
        agreement = overlaps_in_time(one, other)
        assert agreement.min() > 0.6
        assert agreement.mean() > 0.9
        assert largest_difference(one, other) < 0.1


@pytest.mark.parametrize("name", SCENES)
def test_two_parts_have_the_faces_of_the_whole(
    name: str, video_maker: VideoMaker, tiny_settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    """Ids, windows, positions, flags, frame counts and warnings are those of one piece."""
    path = video_maker.make(SCENES[name])
    whole = analyze_video(path, engine, decode_limits(tiny_settings))
    assert_same(whole, in_parts(path, tiny_settings, engine, tmp_path))


def test_more_parts_than_shots_and_options_of_the_analysis(
    video_maker: VideoMaker, tiny_settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    """Four parts of a part of a video, with selected labels and windows, are those of one piece."""
    options = AnalysisOptions(start_s=1.0, end_s=13.0, labels=("happiness", "sadness"), every_s=1.0, max_faces=1)
    path = video_maker.make(SCENES["cuts around the seam"])
    whole = analyze_video(path, engine, decode_limits(tiny_settings), options)
    split = in_parts(path, tiny_settings, engine, tmp_path, 4, options)
    assert_same(whole, split)
    assert split.options == whole.options
    assert [warning.code for warning in split.warnings] == ["too_many_faces"]


@pytest.fixture(scope="module")
def two_parts(
    video_maker: VideoMaker, tiny_settings: Settings, engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[VideoPart], Path]:
    """The parts of a video, and the folder with their files."""
    path, folder = video_maker.make(SCENE), tmp_path_factory.mktemp("parts")
    parts = parts_of(path, tiny_settings, engine, 2, AnalysisOptions())
    joined(path, parts, tiny_settings, engine, AnalysisOptions(), folder)
    return parts, folder


def test_windows_are_in_the_order_of_their_ends(two_parts: tuple[list[VideoPart], Path], engine: Engine) -> None:
    """A joined video yields each window of its result once."""
    parts, folder = two_parts
    joiner = PartJoiner(parts, engine, AnalysisOptions())
    for part in parts:
        with PartFile(folder / str(part.number)) as file:
            joiner.add(file)
    windows = [window for _, window in joiner.windows()]
    assert windows == sorted(windows, key=lambda window: window.end_s)
    assert windows == joiner.result(None).faces[0].windows


@hypothesis_settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_damaged_part_is_not_joined(
    data: st.DataObject,
    two_parts: tuple[list[VideoPart], Path],
    engine: Engine,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Any change of a file of a part is noticed, or changes nothing that is read."""
    parts, folder = two_parts
    content = bytearray((folder / "0").read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    damaged = tmp_path_factory.mktemp("damaged") / "0"
    damaged.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    try:
        with PartFile(damaged) as file:
            PartJoiner(parts, engine, AnalysisOptions()).add(file)
    except UnjoinableError:
        return
    assert len(damaged.read_bytes()) == len(content)


def test_parts_of_other_options_are_not_joined(two_parts: tuple[list[VideoPart], Path], engine: Engine) -> None:
    """A part that was analysed with other options, or is not the next one, is refused."""
    parts, folder = two_parts
    with PartFile(folder / "0") as first, PartFile(folder / "1") as second:
        with pytest.raises(UnjoinableError):
            PartJoiner(parts, engine, AnalysisOptions(max_faces=3)).add(first)
        with pytest.raises(UnjoinableError):
            PartJoiner(parts, engine, AnalysisOptions()).add(second)


def test_a_video_that_breaks_off_is_not_joined(
    video_maker: VideoMaker, tiny_settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    """A part that ends before its time is noticed: in one piece the result ends there, with a warning."""
    path = video_maker.truncated(SCENE, share=0.4)
    parts = parts_of(path, tiny_settings, engine, 2, AnalysisOptions())
    with pytest.raises((UnjoinableError, VideoError)):
        joined(path, parts[:1], tiny_settings, engine, AnalysisOptions(), tmp_path)
