"""The whole strict test set of FER+ through the analysis of pictures."""

from collections.abc import Iterator

import numpy as np
import pytest

from duygu.shared.config.engine import engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.model.folder import open_model_folder
from duygu.shared.vision.classify.crops import normalise
from duygu.shared.vision.decode.pictures.decoder import ImageDecoder
from duygu.shared.vision.engine import Engine, load_engine
from duygu.shared.vision.picture import analyze_picture
from duygu.training.data.stills import TEST, Stills, StrictStills
from tests.shared.vision.test_picture import stills_output
from tests.support.extra_data import require_extra_data
from tests.support.media.pictures import bordered

PUBLISHED = open_model_folder(Settings().model).manifest.measured["ferplus_strict"].accuracy

BATCH = 64

EIGHT_BITS = 0.001
"""Difference to the published accuracy, which is that of the network in floating point, in 8-bit arithmetic."""

ROUNDING = 5e-4
"""Of a result: its probabilities have four decimals, and the largest takes what is missing to 1."""

MOST_MISSED = 0.15
"""Maximum share of the stills, which are tight crops, on which no face is found."""

MOST_LOST = 0.01
"""Maximum loss of accuracy by the detection and the crop, against the stills themselves."""


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The shipped models."""
    return load_engine(engine_options(Settings(threads=1)))


@pytest.fixture(scope="module")
def strict() -> StrictStills:
    """The 2,720 stills on which more than half of the raters agree."""
    return Stills(require_extra_data("stills48.npz")).strict(TEST)


@pytest.fixture(scope="module")
def decoder(engine: Engine) -> Iterator[ImageDecoder]:
    """A decoder in a confined process."""
    with ImageDecoder(picture_bytes=10_000_000, max_pixels=4_000_000, min_face=engine.min_face) as decoder:
        yield decoder


@pytest.mark.slow
def test_the_published_accuracy(engine: Engine, strict: StrictStills) -> None:
    """The shipped network has the published accuracy on the stills."""
    recipe, right = engine.recipe, 0
    for start in range(0, len(strict.images), BATCH):
        clips = np.repeat(strict.images[start : start + BATCH, np.newaxis], recipe.frames, axis=1)
        logits = engine.classifier.logits(normalise(clips, recipe))
        right += int((logits.argmax(axis=1) == strict.truth[start : start + BATCH]).sum())
    assert right / len(strict.images) == pytest.approx(PUBLISHED, abs=EIGHT_BITS)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_every_still_as_png(engine: Engine, decoder: ImageDecoder, strict: StrictStills) -> None:
    """A still that is sent as PNG gets the network's output for the crop of its face, and rarely another emotion."""
    labels, right, found = list(engine.recipe.labels), 0, 0
    for still, truth in zip(strict.images, strict.truth.tolist(), strict=True):
        picture = bordered(still)
        result, wanted = analyze_picture(decoder.decode(picture), engine), stills_output(engine, picture)
        assert [face.probabilities for face in result.faces] == [pytest.approx(one, abs=ROUNDING) for one in wanted]
        if result.faces:
            found += 1
            largest = max(result.faces, key=lambda face: face.box[2] * face.box[3])
            right += labels.index(largest.emotion) == truth
    print(f"{found} of {len(strict.truth)} stills have a face, {right / found:.4f} of them with the raters' emotion")  # noqa: T201
    assert found / len(strict.truth) >= 1 - MOST_MISSED
    assert right / found >= PUBLISHED - MOST_LOST
