"""Computing the result from logits."""

from dataclasses import replace

import numpy as np
import pytest

from duygu.shared.model.recipe import Recipe
from duygu.shared.schemas.emotions import EMOTIONS, OTHER
from duygu.shared.schemas.result import Flag, VideoInfo
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.results import FacePosition, ResultConverter, WindowLogits
from duygu.shared.vision.timeline import Timeline

RECIPE = Recipe("results", size=48, temperature=2.0, track_temperature=0.5, uncertain_below=0.5)

VIDEO = VideoInfo(duration_s=2.0, width=320, height=240, rotation=0, frames_decoded=60, frames_analysed=20)


def logits_of(face_id: int, start_s: float, **logits: float) -> WindowLogits:
    """Return a window with these logits; the others are 0."""
    values = np.array([logits.get(label, 0.0) for label in RECIPE.labels], np.float32)
    return WindowLogits(face_id, start_s, start_s + 0.9, values, ())


def seen(face_id: int, time_s: float) -> FacePosition:
    """Return a position of a face."""
    return FacePosition(face_id, time_s, np.array([10.04, 20, 30, 50], np.float32), 1.0000001)


def test_rounded_probabilities_still_sum_to_one() -> None:
    """Rounded probabilities sum to one for any logits."""
    converter = ResultConverter(RECIPE, RECIPE.labels)
    for seed in range(200):
        logits = np.random.default_rng(seed).normal(0, 4, len(RECIPE.labels)).astype(np.float32)
        assert sum(converter.probabilities(logits, 1.0).values()) == pytest.approx(1, abs=1e-9)


def test_logits_are_divided_by_the_temperature() -> None:
    """Logits are divided by the temperature."""
    converter = ResultConverter(RECIPE, ("anger", "fear"))
    window = converter.window(logits_of(1, 0.0, anger=2 * np.log(3)))
    assert window.probabilities == {"anger": 0.75, "fear": 0.25}
    assert (window.emotion, window.confidence) == ("anger", 0.75)


def test_neutral_off_predicts_among_the_six() -> None:
    """Without neutral, probabilities are those of the six labels and sum to one."""
    six = tuple(label for label in EMOTIONS if label != "neutral")
    window = ResultConverter(RECIPE, six).window(logits_of(1, 0.0, neutral=9.0, fear=1.0))
    assert window.emotion == "fear"
    assert set(window.probabilities) == set(six)
    assert sum(window.probabilities.values()) == pytest.approx(1)


SMILE = {"happiness": 8.0, "anger": 0.5, "neutral": 2.0}


@pytest.mark.parametrize(
    ("reported", "emotion"),
    [
        (("anger",), OTHER),
        (("happiness",), "happiness"),
        (("happiness", "sadness"), "happiness"),
        (("anger", "neutral"), OTHER),
        (EMOTIONS, "happiness"),
    ],
)
def test_a_choice_of_labels_changes_no_probability(reported: tuple[str, ...], emotion: str) -> None:
    """Selecting labels keeps their probabilities; the rest, and an emotion among the rest, is `other`."""
    for logits in (SMILE, {label: value / 8 for label, value in SMILE.items()}):
        full = ResultConverter(RECIPE, RECIPE.labels).window(logits_of(1, 0.0, **logits))
        window = ResultConverter(RECIPE, RECIPE.labels, reported).window(logits_of(1, 0.0, **logits))
        rest = {OTHER} if set(reported) < set(EMOTIONS) else set()
        assert set(window.probabilities) == {*reported, *rest}
        assert {label: window.probabilities[label] for label in reported} == {
            label: full.probabilities[label] for label in reported
        }
        assert sum(window.probabilities.values()) == pytest.approx(1, abs=1e-9)
        assert (window.emotion, window.confidence) == (emotion, window.probabilities[emotion])
        assert window.uncertain == full.uncertain


def test_an_emotion_that_is_reported_stays_the_prediction_beside_a_larger_rest() -> None:
    """The strongest label is the emotion, also when the sum of the others exceeds it."""
    window = ResultConverter(RECIPE, RECIPE.labels, ("anger",)).window(logits_of(1, 0.0, anger=1.0))
    assert window.probabilities[OTHER] > window.probabilities["anger"]
    assert (window.emotion, window.uncertain) == ("anger", True)


def test_without_neutral_uncertain_is_decided_over_all_labels() -> None:
    """Without neutral, `uncertain` still depends on all seven labels, for which the threshold was fitted."""
    six = tuple(label for label in EMOTIONS if label != "neutral")
    window = ResultConverter(RECIPE, six).window(logits_of(1, 0.0, neutral=18.0, fear=9.0))
    assert (window.emotion, window.uncertain) == ("fear", True)
    assert window.confidence > 0.9
    assert not ResultConverter(RECIPE, six).window(logits_of(1, 0.0, fear=18.0)).uncertain


def test_labels_are_chosen_among_those_that_are_predicted() -> None:
    """Without neutral, labels are selected among the six."""
    six = tuple(label for label in EMOTIONS if label != "neutral")
    full = ResultConverter(RECIPE, six).window(logits_of(1, 0.0, neutral=9.0, fear=1.0))
    window = ResultConverter(RECIPE, six, ("fear",)).window(logits_of(1, 0.0, neutral=9.0, fear=1.0))
    assert window.probabilities["fear"] == full.probabilities["fear"]
    assert sum(window.probabilities.values()) == pytest.approx(1)


def test_uncertain_is_below_the_models_threshold() -> None:
    """A window whose confidence is below the model's threshold is uncertain."""
    converter = ResultConverter(RECIPE, RECIPE.labels)
    assert converter.window(logits_of(1, 0.0)).uncertain
    assert not converter.window(logits_of(1, 0.0, fear=12.0)).uncertain


def test_a_box_is_left_top_width_height_and_a_score_at_most_one() -> None:
    """A position has left, top, width and height, and a rounded score of at most 1."""
    position = ResultConverter(RECIPE, RECIPE.labels).position(seen(1, 0.12345))
    assert (position.time_s, position.box, position.score) == (0.123, (10.0, 20.0, 20.0, 30.0), 1.0)


def test_a_face_is_read_from_the_mean_of_its_windows(engine: Engine) -> None:
    """A face has the mean logits of its windows at the track temperature; windows and positions are sorted by time."""
    timeline = Timeline(ResultConverter(RECIPE, ("anger", "fear")))
    timeline.add([seen(2, 0.5), seen(1, 0.0)], [logits_of(2, 0.5, fear=1.0)])
    timeline.add([seen(2, 0.0), seen(1, 0.9)], [logits_of(2, 0.0, anger=1.0 + np.log(3)), logits_of(1, 0.0)])
    result = timeline.result("job", engine.model, VIDEO, [])
    assert [face.face_id for face in result.faces] == [1, 2]
    face = result.faces[1]
    assert face.probabilities == {"anger": 0.75, "fear": 0.25}
    assert (face.start_s, face.end_s) == (0.0, 0.5)
    assert [window.start_s for window in face.windows] == [0.0, 0.5]


def test_nobody_is_an_empty_list(engine: Engine) -> None:
    """A video without faces has an empty list."""
    assert Timeline(ResultConverter(RECIPE, RECIPE.labels)).result(None, engine.model, VIDEO, []).faces == []


def test_flags_reach_the_window() -> None:
    """The flags of a clip are those of its window."""
    flagged = WindowLogits(1, 0.0, 0.9, np.zeros(7, np.float32), (Flag.DARK, Flag.GAP))
    assert ResultConverter(RECIPE, RECIPE.labels).window(flagged).flags == [Flag.DARK, Flag.GAP]


@pytest.mark.parametrize(("still", "uncertain"), [(False, True), (True, False)])
def test_a_repeated_picture_has_a_threshold_of_its_own(*, still: bool, uncertain: bool) -> None:
    """The recipe's threshold for stills applies to windows that repeat one picture, and to no other."""
    converter = ResultConverter(replace(RECIPE, uncertain_below=0.9, still_uncertain_below=0.5), RECIPE.labels)
    logits = logits_of(1, 0.0, fear=7.0)
    window = converter.window(replace(logits, still=still))
    assert 0.5 < window.confidence < 0.9
    assert window.uncertain is uncertain
