"""Analysis of one picture, by the network's output for stills."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

import numpy as np

from duygu.shared.inputs.media.picture_file import check_picture
from duygu.shared.schemas.model import ModelInfo, ProgramInfo
from duygu.shared.schemas.options import DEFAULTS, AnalysisOptions, require_for_pictures
from duygu.shared.schemas.picture import PictureFace, PictureResult, PictureSize
from duygu.shared.schemas.result import Face, Result, ResultOptions, VideoInfo, Warning  # noqa: A004
from duygu.shared.version import VERSION
from duygu.shared.vision.analysis import result_converter
from duygu.shared.vision.analyzer import CONFIRM_SCORE, TOO_MANY_FACES
from duygu.shared.vision.batching import classify
from duygu.shared.vision.classify.clips import Clip
from duygu.shared.vision.classify.crops import crop_of
from duygu.shared.vision.classify.quality import quality_flags
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.results import FacePosition, ResultConverter, WindowLogits
from duygu.shared.vision.types import Detections, Floats, Frame


class PictureDecoder(Protocol):
    """Decodes picture files."""

    def decode(self, picture: bytes, *, min_face: float | None = None) -> Frame:
        """Decode a picture for a smallest face, as a share of the shorter side. Raises UndecodablePictureError."""
        ...


def analyze_picture(frame: Frame, engine: Engine, options: AnalysisOptions = DEFAULTS) -> PictureResult:
    """Detect every face of a picture and classify its emotion.

    Raises InvalidLabelsError for a label that the engine does not output.
    """
    engine = engine.with_options(options.min_face, options.max_faces)
    converter = result_converter(engine, options)
    found, warnings = _detect(frame, engine)
    width, height = frame.size
    return PictureResult(
        model=_model(engine, converter),
        picture=PictureSize(width=width, height=height),
        faces=[_face(found, index, logits, converter) for index, logits in enumerate(_logits(frame, found, engine))],
        warnings=warnings,
    )


def analyze_picture_file(
    picture: bytes,
    decoder: PictureDecoder,
    engine: Engine,
    max_pixels: int,
    options: AnalysisOptions = DEFAULTS,
    *,
    name: str | None = None,
) -> Result:
    """The result of a picture in the schema of a video: one frame, in which each face has one window at 0 s.

    Raises the error of an option that does not apply to pictures, those of `check_picture`, UndecodablePictureError and
    InvalidLabelsError.
    """
    require_for_pictures(options)
    check_picture(picture, max_pixels)
    engine = engine.with_options(options.min_face, options.max_faces)
    converter = result_converter(engine, options)
    frame = decoder.decode(picture, min_face=engine.min_face)
    found, warnings = _detect(frame, engine)
    width, height = frame.size
    return Result(
        job_id=None,
        model=_model(engine, converter),
        video=VideoInfo(
            duration_s=0, width=width, height=height, rotation=0, frames_decoded=1, frames_analysed=1, name=name
        ),
        faces=[_track(found, index, logits, converter) for index, logits in enumerate(_logits(frame, found, engine))],
        warnings=warnings,
        program=ProgramInfo(version=VERSION),
        analysed_at=datetime.now(UTC).replace(microsecond=0),
        options=ResultOptions(
            engine=engine.kind, labels=converter.names, min_face=engine.min_face, max_faces=engine.max_faces
        ),
    )


def _detect(frame: Frame, engine: Engine) -> tuple[Detections, list[Warning]]:
    """The faces of a picture from left to right, at most `max_faces`, those of the highest scores."""
    found = engine.detector.detect(frame)
    certain = found.take(found.scores >= CONFIRM_SCORE)
    best = np.argsort(-certain.scores, kind="stable")[: engine.max_faces]
    chosen = certain.take(best)
    if len(certain) == len(chosen):
        return _from_left(chosen), []
    detail = f"the picture has more faces than max_faces={engine.max_faces}; only {engine.max_faces} were analysed"
    return _from_left(chosen), [Warning(code=TOO_MANY_FACES, detail=detail)]


def _from_left(found: Detections) -> Detections:
    return found.take(np.argsort(found.boxes[:, 0], kind="stable"))


def _logits(frame: Frame, found: Detections, engine: Engine) -> Sequence[WindowLogits]:
    """The logits of each face, for a clip that repeats its crop: the network's output for stills."""
    clips = [_clip(frame, box, landmarks, engine) for box, landmarks in zip(found.boxes, found.landmarks, strict=True)]
    return classify(engine, list(enumerate(clips, start=1)))


def _clip(frame: Frame, box: Floats, landmarks: Floats, engine: Engine) -> Clip:
    crop = crop_of(frame, box, landmarks, engine.recipe)
    images = np.stack([crop] * engine.recipe.frames)
    return Clip(0.0, 0.0, images, tuple(sorted(quality_flags(crop, box, landmarks))))


def _model(engine: Engine, converter: ResultConverter) -> ModelInfo:
    promise = engine.recipe.still_certain_means
    return engine.model.model_copy(update={"labels": converter.names, "certain_means": promise})


def _face(found: Detections, index: int, logits: WindowLogits, converter: ResultConverter) -> PictureFace:
    window = converter.window(logits)
    position = converter.position(_position(found, index))
    return PictureFace(
        box=position.box,
        score=position.score,
        emotion=window.emotion,
        confidence=window.confidence,
        probabilities=window.probabilities,
        uncertain=window.uncertain,
        flags=window.flags,
    )


def _track(found: Detections, index: int, logits: WindowLogits, converter: ResultConverter) -> Face:
    window = converter.window(logits)
    return Face(
        face_id=index + 1,
        start_s=0.0,
        end_s=0.0,
        emotion=window.emotion,
        confidence=window.confidence,
        probabilities=window.probabilities,
        windows=[window],
        positions=[converter.position(_position(found, index))],
    )


def _position(found: Detections, index: int) -> FacePosition:
    return FacePosition(index + 1, 0.0, found.boxes[index], float(found.scores[index]))
