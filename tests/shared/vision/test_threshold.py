"""The threshold of `uncertain` in the settings."""

import pytest

from duygu.shared.config.engine import decode_limits, engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.vision.analysis import analyze_video
from duygu.shared.vision.engine import load_engine
from tests.support.media.videos import PAN, VideoMaker


@pytest.mark.parametrize(("threshold", "uncertain"), [(1.0, True), (0.0, False)])
def test_the_setting_replaces_the_threshold_of_the_model(
    settings: Settings, video_maker: VideoMaker, threshold: float, uncertain: bool
) -> None:
    """With 1 every window below certainty is uncertain, with 0 none; the promise of the model is not repeated."""
    own = settings.model_copy(update={"uncertain_below": threshold})
    result = analyze_video(video_maker.make(PAN), load_engine(engine_options(own)), decode_limits(own))
    windows = [window for face in result.faces for window in face.windows]
    assert windows
    assert {window.uncertain for window in windows if window.confidence < 1} == {uncertain}
    assert result.model.certain_means is None


def test_without_the_setting_the_threshold_is_that_of_the_model(settings: Settings) -> None:
    """The engine uses the classifier's recipe as it is."""
    engine = load_engine(engine_options(settings))
    assert engine.recipe is engine.classifier.recipe
