"""The analysis of one picture."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from duygu.shared.config.engine import engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.errors import InvalidLabelsError
from duygu.shared.schemas.options import AnalysisOptions
from duygu.shared.vision.classify.crops import crop_of, normalise
from duygu.shared.vision.decode.pictures.decoder import ImageDecoder
from duygu.shared.vision.decode.pictures.decoding import decode_frame
from duygu.shared.vision.engine import Engine, load_engine
from duygu.shared.vision.picture import analyze_picture, analyze_picture_file
from duygu.shared.vision.types import Image
from tests.support.extra_data import require_extra_data
from tests.support.media.pictures import astronaut, bordered, turned

MAX_PIXELS = 4_000_000


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The shipped models."""
    return load_engine(engine_options(Settings(threads=1)))


@pytest.fixture(scope="module")
def decoder(engine: Engine) -> Iterator[ImageDecoder]:
    """A decoder in a confined process."""
    with ImageDecoder(picture_bytes=10_000_000, max_pixels=MAX_PIXELS, min_face=engine.min_face) as decoder:
        yield decoder


def stills_output(engine: Engine, picture: bytes) -> list[dict[str, float]]:
    """Probabilities of each face: the network's output for a clip that repeats one crop, and a softmax."""
    frame, recipe = decode_frame(picture, 0, 0.0, engine.min_face), engine.recipe
    found = engine.detector.detect(frame)
    kept = found.take(found.scores >= 0.9)
    kept = kept.take(np.argsort(kept.boxes[:, 0], kind="stable"))
    faces = []
    for box, landmarks in zip(kept.boxes, kept.landmarks, strict=True):
        clip = np.repeat(crop_of(frame, box, landmarks, recipe)[np.newaxis], recipe.frames, axis=0)
        logits = engine.classifier.logits(normalise(clip[np.newaxis], recipe))[0].astype(np.float64)
        weights = np.exp(logits / recipe.temperature - (logits / recipe.temperature).max())
        faces.append(dict(zip(recipe.labels, (weights / weights.sum()).tolist(), strict=True)))
    return faces


def assert_same(engine: Engine, decoder: ImageDecoder, picture: bytes) -> int:
    """The result of a picture is the network's output for stills; returns the number of faces."""
    result = analyze_picture(decoder.decode(picture), engine)
    wanted = stills_output(engine, picture)
    assert len(result.faces) == len(wanted)
    for face, probabilities in zip(result.faces, wanted, strict=True):
        assert face.probabilities == pytest.approx(probabilities, abs=2e-4)
        assert face.emotion == max(probabilities, key=probabilities.__getitem__)
        assert face.uncertain == (max(probabilities.values()) < (engine.recipe.still_uncertain_below or 0))
    return len(wanted)


def test_the_result_is_the_output_for_stills(engine: Engine, decoder: ImageDecoder) -> None:
    """A PNG through the confined decoder gives the probabilities of the network's output for stills."""
    assert assert_same(engine, decoder, astronaut()) == 1


def test_the_result_of_labelled_stills_is_the_output_for_stills(engine: Engine, decoder: ImageDecoder) -> None:
    """The same for stills of FER+ that are sent as PNG with a border, wherever a face is found."""
    stills: Image = np.load(require_extra_data("stills48.npz"))["ferplus_images"][-60:]
    faces = 0
    for still in stills:
        faces += assert_same(engine, decoder, bordered(still))
    assert faces >= 30


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_applied(decoder: ImageDecoder, form: str, orientation: int) -> None:
    """A picture with an EXIF orientation, which AVIF stores as properties, is decoded upright."""
    upright = decoder.decode(turned(form, 1)).grey.astype(int).copy()
    flip, quarters = {
        1: (None, 0),
        2: (1, 0),
        3: (None, 2),
        4: (0, 0),
        5: (1, 1),
        6: (None, 3),
        7: (1, 3),
        8: (None, 1),
    }[orientation]
    wanted = upright if flip is None else np.flip(upright, flip)
    found = decoder.decode(turned(form, orientation)).grey.astype(int)
    assert found.shape == np.rot90(wanted, quarters).shape
    assert np.abs(found - np.rot90(wanted, quarters)).mean() < 3


def test_options(engine: Engine, decoder: ImageDecoder) -> None:
    """Labels select what is reported and change no probability; a large `min_face` finds nothing."""
    picture = astronaut()
    all_labels = analyze_picture(decoder.decode(picture), engine).faces[0]
    fear = analyze_picture(decoder.decode(picture), engine, AnalysisOptions(labels=("fear",))).faces[0]
    assert fear.probabilities["fear"] == all_labels.probabilities["fear"]
    assert (fear.emotion, set(fear.probabilities)) == ("other", {"fear", "other"})
    assert analyze_picture(decoder.decode(picture), engine, AnalysisOptions(min_face=0.9)).faces == []
    with pytest.raises(InvalidLabelsError):
        analyze_picture(decoder.decode(picture), engine, AnalysisOptions(labels=("joy",)))


def _astronaut() -> Image:
    pixels = cv2.imdecode(np.frombuffer(astronaut(), np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(pixels, np.uint8)


def test_a_small_face_needs_a_small_min_face(engine: Engine, decoder: ImageDecoder) -> None:
    """With `min_face` below the setting, the decoder makes a larger detection copy, and the face is found."""
    scene = np.full((1500, 1500, 3), 120, np.uint8)
    scene[100:260, 100:260] = cv2.resize(_astronaut(), (160, 160))
    picture = bytes(cv2.imencode(".png", scene)[1])
    usual = analyze_picture(decoder.decode(picture), engine)
    options = AnalysisOptions(min_face=0.015)
    fine = analyze_picture(decoder.decode(picture, min_face=options.min_face), engine, options)
    assert (len(usual.faces), len(fine.faces)) == (0, 1)


def test_max_faces(engine: Engine, decoder: ImageDecoder) -> None:
    """Of more faces than `max_faces` the best are analysed, with a warning; faces are ordered from left to right."""
    one = _astronaut()
    picture = bytes(cv2.imencode(".png", np.hstack([one] * 3))[1])
    three = analyze_picture(decoder.decode(picture), engine)
    lefts = [face.box[0] for face in three.faces]
    assert len(lefts) == 3
    assert lefts == sorted(lefts)
    two = analyze_picture(decoder.decode(picture), engine, AnalysisOptions(max_faces=2))
    assert len(two.faces) == 2
    assert [warning.code for warning in two.warnings] == ["too_many_faces"]


def test_a_file_as_a_result(engine: Engine, decoder: ImageDecoder) -> None:
    """In the schema of a video, a picture is one frame in which each face has one window with the same prediction."""
    result = analyze_picture_file(astronaut(), decoder, engine, MAX_PIXELS, name="a.png")
    picture = analyze_picture(decoder.decode(astronaut()), engine)
    (face,), (window,) = result.faces, result.faces[0].windows
    assert (result.video.frames_analysed, result.video.duration_s, result.video.name) == (1, 0, "a.png")
    assert (face.emotion, face.probabilities, window.flags) == (window.emotion, window.probabilities, [])
    assert (face.positions[0].box, face.probabilities) == (picture.faces[0].box, picture.faces[0].probabilities)


def test_the_decoder_forgets_a_picture(decoder: ImageDecoder) -> None:
    """After `clear`, the shared memory has no pixel of the last picture."""
    frame = decoder.decode(astronaut())
    assert frame.grey.any()
    decoder.clear()
    assert not frame.grey.any()
    assert not frame.rgb.any()
