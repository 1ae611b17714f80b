"""Options of the engine and limits of the decoder, from the settings of the service."""

from typing import TYPE_CHECKING

from duygu.shared.config.settings import MB, Settings
from duygu.shared.vision.options import DecodeLimits, EngineOptions

if TYPE_CHECKING:
    from duygu.shared.vision.decode.pictures.decoder import ImageDecoder
    from duygu.shared.vision.detect.mtcnn import Mtcnn


def engine_options(settings: Settings) -> EngineOptions:
    """The options of the engine in these settings."""
    return EngineOptions(
        model=settings.model,
        mtcnn=settings.mtcnn,
        movements=settings.movements,
        kind=settings.engine,
        neutral=settings.neutral,
        min_face=settings.min_face,
        max_faces=settings.max_faces,
        threads=settings.threads,
        uncertain_below=settings.uncertain_below,
    )


def decode_limits(settings: Settings) -> DecodeLimits:
    """The limits of the decoding processes in these settings."""
    return DecodeLimits(
        max_pixels=settings.max_pixels,
        max_duration_s=settings.max_duration_s,
        memory_bytes=settings.decoder_memory_mb * MB,
        cpu_s=settings.job_timeout_s,
        threads=settings.threads,
    )


def detector_of(settings: Settings) -> "Mtcnn":
    """The face detector alone, without a model of emotions. Raises ModelError."""
    from duygu.shared.vision.detect.mtcnn import Mtcnn

    return Mtcnn(settings.mtcnn, min_face=settings.min_face, max_faces=settings.max_faces)


def picture_decoder(settings: Settings) -> "ImageDecoder":
    """A process that decodes picture files within these settings."""
    from duygu.shared.vision.decode.pictures.decoder import ImageDecoder

    return ImageDecoder(
        picture_bytes=int(settings.pictures_max_mb * MB),
        max_pixels=settings.picture_max_pixels,
        min_face=settings.min_face,
    )
