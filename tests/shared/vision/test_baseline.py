"""Baselines in the result of a video: which windows are taken, the relative predictions, and what is refused."""

import csv
import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from duygu.shared.baselines.windows import windows_within
from duygu.shared.config.engine import decode_limits, engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.errors import BaselineNoFaceError, BaselineTooShortError, BaselineUnsupportedError
from duygu.shared.exports.interchange.parquet import parquet
from duygu.shared.exports.tables import RELATIVE_COLUMNS, csv_table
from duygu.shared.schemas.options import AnalysisOptions
from duygu.shared.schemas.result import Flag, RelativePrediction, Result
from duygu.shared.vision.analysis import analyze_video
from duygu.shared.vision.analyzer import Analyzer
from duygu.shared.vision.baseline import STRETCH, FaceBaseline, calm_windows
from duygu.shared.vision.classify.relative import relative_track_probabilities
from duygu.shared.vision.decode.video import Video, detection_side
from duygu.shared.vision.engine import Engine, load_engine
from duygu.shared.vision.results import WindowLogits
from tests.support.extra_data import require_extra_data
from tests.support.media.videos import PAIR, STILL, Scene, VideoMaker

LONG = replace(STILL, duration_s=5.0)
ALTERNATING = replace(
    PAIR,
    actors=(replace(PAIR.actors[0], seen=((0.0, 3.0),)), replace(PAIR.actors[1], seen=((2.0, 6.0),))),
    duration_s=6.0,
)
"""A face is visible until 3 s, another one from 2 s on."""


@pytest.fixture(scope="module")
def shipped() -> Engine:
    """The engine of the shipped model, which has the layer for relative predictions."""
    return load_engine(engine_options(Settings(threads=1)))


def analysed(engine: Engine, path: Path, baseline: str | None, **options: object) -> Result:
    """Return the result of a video with a baseline."""
    chosen = AnalysisOptions.model_validate({"baseline": baseline, **options})
    return analyze_video(path, engine, decode_limits(Settings()), chosen)


def without_baseline(result: Result) -> list[dict[str, Any]]:
    """Return the faces as if no baseline had been requested."""
    faces: list[dict[str, Any]] = result.model_dump(mode="json")["faces"]
    for face in faces:
        face["baseline"] = None
        for window in face["windows"]:
            window["relative"] = None
    return faces


def relative_predictions(result: Result) -> list[RelativePrediction | None]:
    """Return the relative predictions of all windows."""
    return [window.relative for face in result.faces for window in face.windows]


def test_a_baseline_adds_predictions_and_changes_none(shipped: Engine, video_maker: VideoMaker) -> None:
    """Each window has a prediction relative to the span, and otherwise the same fields as without a baseline."""
    path = video_maker.make(LONG)
    plain, result = analysed(shipped, path, None), analysed(shipped, path, "0-3")
    assert without_baseline(result) == plain.model_dump(mode="json")["faces"]
    assert relative_predictions(plain) == [None] * len(plain.faces[0].windows)
    (face,) = result.faces
    assert face.baseline is not None
    assert face.baseline.source == "span"
    ((start_s, end_s),) = face.baseline.spans
    assert 0 <= start_s < 0.2
    assert 2.3 < end_s <= 3.05
    assert face.baseline.windows == sum(window.end_s <= 3.05 for window in face.windows)
    assert result.options is not None
    assert result.options.baseline == "0-3"
    for prediction in relative_predictions(result):
        assert prediction is not None
        assert sum(prediction.probabilities.values()) == pytest.approx(1)
        assert (
            prediction.confidence
            == max(prediction.probabilities.values())
            == prediction.probabilities[prediction.emotion]
        )
        assert shipped.relative is not None
        assert prediction.uncertain == (prediction.confidence < shipped.relative.settings.uncertain_below)


def test_the_resting_face_itself_is_not_its_expression(shipped: Engine, video_maker: VideoMaker) -> None:
    """A baseline of one constant expression removes it: a smile that never changes is neutral relative to itself."""
    result = analysed(shipped, video_maker.make(LONG), "auto")
    (face,) = result.faces
    assert face.emotion == "happiness"
    assert {prediction.emotion for prediction in relative_predictions(result) if prediction} == {"neutral"}
    assert "baseline_expressive" in [warning.code for warning in result.warnings]


def test_an_automatic_baseline_shows_its_spans(shipped: Engine, video_maker: VideoMaker) -> None:
    """The automatic baseline names the parts that it took, all within the face's time."""
    (face,) = analysed(shipped, video_maker.make(LONG), "auto").faces
    assert face.baseline is not None
    assert (face.baseline.source, face.baseline.windows) == ("auto", STRETCH)
    assert all(face.start_s <= start_s < end_s <= face.end_s + 0.1 for start_s, end_s in face.baseline.spans)


def test_each_face_takes_its_own_part(shipped: Engine, video_maker: VideoMaker) -> None:
    """Each face of a span has a baseline of its own windows; a face outside the span has none, and a warning."""
    path = video_maker.make(ALTERNATING)
    both, first = analysed(shipped, path, "0-6"), analysed(shipped, path, "0-1.8")
    assert [face.baseline is not None for face in both.faces] == [True, True]
    assert both.faces[0].baseline != both.faces[1].baseline
    assert [face.baseline is not None for face in first.faces] == [True, False]
    assert [(w.code, w.detail) for w in first.warnings if w.code == "baseline_no_face"] == [
        ("baseline_no_face", "face 2: not visible in the baseline 0-1.8")
    ]
    assert relative_predictions(first)[-1] is None


@pytest.mark.parametrize(
    ("scene", "baseline", "error"),
    [
        (LONG, "1-1.5", BaselineTooShortError),
        (LONG, "60-70", BaselineNoFaceError),
        (STILL, "auto", BaselineTooShortError),
        (Scene(actors=()), "0-1", BaselineNoFaceError),
    ],
)
def test_an_unusable_baseline_is_refused(
    shipped: Engine, video_maker: VideoMaker, scene: Scene, baseline: str, error: type[Exception]
) -> None:
    """A baseline shorter than ten frames, or without a face, is an error with a code."""
    with pytest.raises(error):
        analysed(shipped, video_maker.make(replace(scene, duration_s=min(scene.duration_s, 5.0))), baseline)


def test_a_video_without_faces_needs_no_automatic_baseline(shipped: Engine, video_maker: VideoMaker) -> None:
    """A video without faces has an empty result, as without a baseline."""
    assert analysed(shipped, video_maker.make(Scene(actors=())), "auto").faces == []


def test_an_engine_without_the_layer_refuses(shipped: Engine, video_maker: VideoMaker) -> None:
    """A model without the layer refuses a baseline before it decodes, and analyses without one as before."""
    bare = replace(shipped, relative=None)
    with pytest.raises(BaselineUnsupportedError, match=r"talk48 .* has no predictions relative to a baseline"):
        analysed(bare, Path("does-not-exist.mp4"), "auto")
    path = video_maker.make(STILL)
    plain = analysed(bare, path, None).model_dump(mode="json")["faces"]
    assert {window.pop("relative_logits") for face in plain for window in face["windows"]} == {None}
    with_layer = analysed(shipped, path, None).model_dump(mode="json")["faces"]
    for window in (window for face in with_layer for window in face["windows"]):
        assert len(window.pop("relative_logits")) == len(shipped.model.labels)
    assert plain == with_layer


def test_chosen_labels_apply_to_relative_predictions(shipped: Engine, video_maker: VideoMaker) -> None:
    """Relative predictions report the chosen labels with unchanged probabilities, and `other` for the rest."""
    path = video_maker.make(LONG)
    full, chosen = analysed(shipped, path, "0-3"), analysed(shipped, path, "0-3", labels=["anger"])
    for one, other in zip(relative_predictions(full), relative_predictions(chosen), strict=True):
        assert one is not None
        assert other is not None
        assert list(other.probabilities) == ["anger", "other"]
        assert other.probabilities["anger"] == one.probabilities["anger"]
        assert other.uncertain == one.uncertain


def test_tables_have_the_relative_columns(shipped: Engine, video_maker: VideoMaker) -> None:
    """The CSV has the relative prediction of each window after its other columns, which a baseline does not change."""
    path = video_maker.make(ALTERNATING)
    plain, result = analysed(shipped, path, None), analysed(shipped, path, "0-1.8")
    rows, others = (list(csv.DictReader(io.StringIO(csv_table(one)))) for one in (result, plain))
    assert [{name: row[name] for name in others[0]} for row in rows] == others
    for row, prediction in zip(rows, relative_predictions(result), strict=True):
        assert list(row)[-10:-7] == list(RELATIVE_COLUMNS)
        assert row["relative_emotion"] == (prediction.emotion if prediction else "")
        assert row["relative_uncertain"] == (str(prediction.uncertain).lower() if prediction else "")
        assert row["relative_anger"] == (str(prediction.probabilities["anger"]) if prediction else "")
    assert parquet(result) != parquet(plain)


def windows(logits: list[list[float]], *, flags: Mapping[int, tuple[Flag, ...]] | None = None) -> list[WindowLogits]:
    """Return consecutive windows of one face."""
    return [
        WindowLogits(1, 0.5 * index, 0.5 * index + 0.9, np.array(row, np.float32), (flags or {}).get(index, ()))
        for index, row in enumerate(logits)
    ]


NEUTRAL, SMILE = [0.0, 0, 0, 0, 0, 0, 5], [0.0, 0, 0, 5, 0, 0, 0]


def test_the_calm_part_is_neutral_steady_and_well_seen(shipped: Engine) -> None:
    """Neutral windows are preferred to those of an emotion, steady to changing ones, and none has a flag."""
    track = windows([SMILE] * 6 + [NEUTRAL] * 5 + [NEUTRAL, SMILE] * 4, flags={6: (Flag.BLURRED,)})
    assert [window.start_s for window in calm_windows(track, shipped.recipe)] == [3.5, 4.0, 4.5, 5.0]


def test_flagged_windows_are_no_calm_part(shipped: Engine) -> None:
    """A track without consecutive windows free of flags has no calm part."""
    track = windows([NEUTRAL] * 9, flags=dict.fromkeys((1, 4, 7), (Flag.DARK,)))
    assert calm_windows(track, shipped.recipe) == []


def test_a_span_takes_whole_windows_with_ten_crops() -> None:
    """Windows that exceed the span, are padded, or have a gap are left out; other flags do not matter."""
    flags = {1: (Flag.PADDED,), 2: (Flag.GAP,), 3: (Flag.SMALL,)}
    track = windows([NEUTRAL] * 8, flags=flags)
    assert [window.start_s for window in windows_within(track, [(0.0, 2.9)])] == [0.0, 1.5, 2.0]


def test_a_talkative_baseline_is_known() -> None:
    """A baseline in which the person speaks most of the time is recognised, where speaking was measured."""
    track = windows([NEUTRAL] * 4)
    talking = [replace(window, speaking=0.9) for window in track]
    assert FaceBaseline("span", talking).speaks()
    assert not FaceBaseline("span", [*track, replace(track[0], speaking=0.2)]).speaks()
    assert not FaceBaseline("span", track).speaks()


def test_an_expressive_baseline_is_known(shipped: Engine) -> None:
    """A baseline is expressive if most of its windows show emotions with certainty, even opposite ones."""
    smile, frown = windows([SMILE]), windows([[5.0, 0, 0, 0, 0, 0, 0]])
    neutral, vague = windows([NEUTRAL]), windows([[0.0] * 7])
    assert FaceBaseline("auto", smile + frown).is_expressive(shipped.recipe)
    assert FaceBaseline("auto", smile + frown + neutral).is_expressive(shipped.recipe)
    assert not FaceBaseline("auto", smile + neutral).is_expressive(shipped.recipe)
    assert not FaceBaseline("auto", vague).is_expressive(shipped.recipe)


def windows_of(engine: Engine, path: Path) -> list[WindowLogits]:
    """Return the windows of the first face of a video, with features."""
    analyzer = Analyzer(replace(engine, keeps_features=True))
    with Video(path, decode_limits(Settings()), engine.recipe.rate_hz, detection_side(engine.min_face)) as video:
        steps = [*map(analyzer.push, video), analyzer.finish()]
    return [window for step in steps for window in step.windows if window.face_id == 1]


def test_recordings_of_one_person(shipped: Engine) -> None:
    """Relative to a neutral recording of the person, more recordings of emotions are right than without a baseline.

    The layer was learned on these people, so this verifies that it gets the features that it was made for.
    """
    folder = require_extra_data("javanese")
    emotions = {2: "sadness", 3: "happiness", 4: "surprise", 5: "fear", 6: "anger"}
    labels, head = shipped.recipe.labels, shipped.relative
    assert head is not None
    plain, relative = [], []
    for actor in ("01", "02", "05", "09"):
        neutral = FaceBaseline("span", windows_of(shipped, folder / f"{actor}-01-01_01.mp4"))
        for number, emotion in emotions.items():
            spoken = windows_of(shipped, folder / f"{actor}-02-0{number}_01.mp4")
            logits = np.mean([window.logits for window in spoken], axis=0)
            prediction = relative_track_probabilities(head, FaceBaseline("span", spoken).features, neutral.features)
            plain.append(labels[int(logits.argmax())] == emotion)
            relative.append(labels[int(prediction.argmax())] == emotion)
    assert sum(relative) >= sum(plain) + 2
