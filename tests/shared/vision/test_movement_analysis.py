"""Movements in the result of a video, in the state of an analyzer, and in the CSV."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from duygu.shared.config.engine import decode_limits
from duygu.shared.config.settings import Settings
from duygu.shared.exports.tables import MEASURED_COLUMNS, csv_table
from duygu.shared.model.movement_folder import open_movement_folder
from duygu.shared.schemas.options import AnalysisOptions
from duygu.shared.schemas.result import Result
from duygu.shared.vision import snapshots
from duygu.shared.vision.analysis import MOVEMENTS_UNAVAILABLE, analyze_video
from duygu.shared.vision.analyzer import Analyzer, Step
from duygu.shared.vision.classify.movements import MovementNetwork
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.results import valence
from duygu.shared.vision.types import Floats, Frame
from tests.support.media.frames import frames_of
from tests.support.media.videos import STILL, VideoMaker

MEASURED = AnalysisOptions(measures=("movements",))


@pytest.fixture(scope="module")
def result(engine: Engine, tiny_settings: Settings, video_maker: VideoMaker) -> Result:
    """The result of a video of one face, with movements."""
    return analyze_video(video_maker.make(STILL), engine, decode_limits(tiny_settings), MEASURED)


def test_windows_have_movements_and_positions_a_pose(result: Result) -> None:
    """With the measure, each window has every offered movement and a valence, and each position a pose."""
    (face,) = result.faces
    assert result.options is not None
    assert result.options.measures == ["movements"]
    assert len(result.model.movements) > 20
    for window in face.windows:
        assert window.movements is not None
        assert list(window.movements) == result.model.movements
        assert window.valence == valence(window.probabilities)
    assert all(position.pose is not None and abs(position.pose.roll) < 45 for position in face.positions)
    assert any(window.speaking is not None for window in face.windows)


def test_nothing_is_measured_unless_requested(
    engine: Engine, tiny_settings: Settings, video_maker: VideoMaker, result: Result
) -> None:
    """Without the measure the new fields are null, and all others are the same."""
    plain = analyze_video(video_maker.make(STILL), engine, decode_limits(tiny_settings))
    (face,), (measured,) = plain.faces, result.faces
    assert all((w.movements, w.valence, w.speaking) == (None, None, None) for w in face.windows)
    assert all(position.pose is None for position in face.positions)
    without = {"movements": None, "valence": None, "speaking": None}
    assert [window.model_copy(update=without) for window in measured.windows] == face.windows
    assert csv_table(plain).splitlines()[0].count(",") < csv_table(result).splitlines()[0].count(",")


def test_an_engine_without_the_network_says_so(
    engine: Engine, tiny_settings: Settings, video_maker: VideoMaker
) -> None:
    """Movements that cannot be measured are a warning of the result."""
    bare = replace(engine, movements=None)
    found = analyze_video(video_maker.make(STILL), bare, decode_limits(tiny_settings), MEASURED)
    assert [warning.code for warning in found.warnings] == [MOVEMENTS_UNAVAILABLE]
    assert found.faces[0].windows[0].movements is None


def test_the_table_has_the_measured_columns(result: Result) -> None:
    """The CSV has valence, speaking and every movement of each window."""
    rows = list(csv.DictReader(io.StringIO(csv_table(result))))
    windows = result.faces[0].windows
    for row, window in zip(rows, windows, strict=True):
        assert {*MEASURED_COLUMNS, *result.model.movements} <= set(row)
        assert float(row["valence"]) == window.valence
        assert window.movements is not None
        assert float(row["jawOpen"]) == window.movements["jawOpen"]


def values_of(step: Step) -> list[object]:
    """Return what was measured in a step, comparable exactly."""
    movements = [None if w.movements is None else w.movements.tolist() for w in step.windows]
    return [movements, [w.speaking for w in step.windows], [position.pose for position in step.positions]]


def test_the_state_keeps_the_movements(engine: Engine) -> None:
    """An analyzer that is saved and restored after each frame measures the same, exactly."""
    whole, pieces = Analyzer(engine, movements=True), Analyzer(engine, movements=True)
    seen: list[list[object]] = []
    for frame in frames_of(STILL):
        seen.append(values_of(whole.push(frame)))
        pieces = snapshots.restore(engine, snapshots.save(pieces))
        pieces.movements = True
        assert values_of(pieces.push(frame)) == seen[-1]
    assert any(movements for movements, *_ in seen)


class CountingNetwork(MovementNetwork):
    """The network that ships; it notes which crops it processes."""

    def __init__(self) -> None:
        super().__init__(open_movement_folder(Settings().movements))
        self.processed: list[bool] = []

    def measure(self, frame: Frame, box: Floats, landmarks: Floats, *, processed: bool = True) -> Floats:
        """Note whether the crop is processed, and measure it."""
        self.processed.append(processed)
        return super().measure(frame, box, landmarks, processed=processed)


def test_two_of_five_crops_are_processed(engine: Engine) -> None:
    """The network processes the first crop and those of its pattern; each window has movements and speaking."""
    network = CountingNetwork()
    analyzer = Analyzer(replace(engine, movements=network), movements=True)
    steps = [analyzer.push(frame) for frame in frames_of(STILL)] + [analyzer.finish()]
    assert network.processed[0]
    assert sum(network.processed) <= len(network.processed) * 2 / 5 + 2
    windows = [window for step in steps for window in step.windows]
    assert windows
    assert all(window.movements is not None for window in windows)


def test_crops_of_another_version_are_left_out(engine: Engine) -> None:
    """An analyzer that is restored from the state of an earlier version, with fewer values a crop, goes on."""
    analyzer = Analyzer(engine, movements=True)
    frames = list(frames_of(STILL))
    for frame in frames[:4]:
        analyzer.push(frame)
    for face in analyzer.faces.values():
        face.clips.crops = [replace(crop, movements=np.zeros(60, np.float32)) for crop in face.clips.crops]
    windows = [window for frame in frames[4:] for window in analyzer.push(frame).windows] + [*analyzer.finish().windows]
    assert windows


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        ({"happiness": 0.9, "anger": 0.1}, 0.8),
        ({"happiness": 0.0, "fear": 0.4, "sadness": 0.5}, -0.5),
        ({"neutral": 1.0}, 0.0),
        ({"surprise": 1.0}, 0.0),
    ],
)
def test_valence_is_happiness_less_the_strongest_unpleasant_emotion(
    probabilities: dict[str, float], expected: float
) -> None:
    """Neutral and surprise have no valence."""
    assert valence(probabilities) == pytest.approx(expected)
    assert np.isfinite(valence({}))
