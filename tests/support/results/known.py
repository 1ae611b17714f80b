"""A small result with known values."""

from duygu.shared.schemas.emotions import EMOTIONS
from duygu.shared.schemas.model import ModelInfo
from duygu.shared.schemas.result import Face, Flag, Position, Result, VideoInfo, Warning, Window  # noqa: A004


def probabilities(emotion: str, confidence: float) -> dict[str, float]:
    """Return probabilities with `confidence` for one emotion and equal shares for the others."""
    rest = (1 - confidence) / (len(EMOTIONS) - 1)
    return {label: confidence if label == emotion else rest for label in EMOTIONS}


def window(start_s: float, emotion: str, confidence: float, *, flags: list[Flag] | None = None) -> Window:
    """Return a window of 0.9 s, which is uncertain below a confidence of 0.5."""
    return Window(
        start_s=start_s,
        end_s=start_s + 0.9,
        emotion=emotion,
        confidence=confidence,
        probabilities=probabilities(emotion, confidence),
        uncertain=confidence < 0.5,
        flags=flags or [],
    )


def face(face_id: int, windows: list[Window]) -> Face:
    """Return a face that does not move."""
    start_s, end_s = windows[0].start_s, windows[-1].end_s
    positions = [Position(time_s=time_s, box=(10, 20, 30, 40), score=0.99) for time_s in (start_s, end_s)]
    return Face(
        face_id=face_id,
        start_s=start_s,
        end_s=end_s,
        emotion=windows[0].emotion,
        confidence=windows[0].confidence,
        probabilities=windows[0].probabilities,
        windows=windows,
        positions=positions,
    )


def two_faces() -> Result:
    """Return a result: face 1 is neutral, happy and, after a gap, sad; face 2 is surprised, but uncertain."""
    moods = [(0.0, "neutral", 0.6), (0.5, "happiness", 0.8), (1.0, "happiness", 0.9), (4.0, "sadness", 0.7)]
    one = face(1, [window(*mood) for mood in moods])
    two = face(2, [window(0.5, "surprise", 0.4, flags=[Flag.SMALL, Flag.DARK])])
    return Result(
        job_id="0123",
        model=ModelInfo(name="tiny", version="1", sha256="0" * 64, labels=list(EMOTIONS)),
        video=VideoInfo(duration_s=5.0, width=640, height=360, rotation=0, frames_decoded=150, frames_analysed=50),
        faces=[one, two],
        warnings=[Warning(code="truncated", detail="The file breaks off <early>.")],
    )
