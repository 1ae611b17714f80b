"""Results with planted probabilities, and tables of studies over them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from duygu.shared.schemas.emotions import EMOTIONS
from duygu.shared.schemas.model import ModelInfo
from duygu.shared.schemas.result import Face, Position, Result, VideoInfo, Window

STEP_S, LENGTH_S = 0.5, 0.9
"""Interval and length of windows, as the model has them."""

MODEL = ModelInfo(name="tiny", version="1", sha256="0" * 64, labels=list(EMOTIONS))


def window(start_s: float, probabilities: Mapping[str, float], *, uncertain: bool = False) -> Window:
    """A window with these probabilities; neutral has the rest."""
    full = {label: probabilities.get(label, 0.0) for label in EMOTIONS}
    full["neutral"] = probabilities.get("neutral", max(0.0, 1 - sum(full.values())))
    emotion = max(full, key=full.__getitem__)
    return Window(
        start_s=start_s,
        end_s=start_s + LENGTH_S,
        emotion=emotion,
        confidence=full[emotion],
        probabilities=full,
        uncertain=uncertain,
    )


def face(windows: Sequence[Window], face_id: int = 1) -> Face:
    """A face that is visible in these windows."""
    first, last = windows[0], windows[-1]
    return Face(
        face_id=face_id,
        start_s=first.start_s,
        end_s=last.end_s,
        emotion=first.emotion,
        confidence=first.confidence,
        probabilities=first.probabilities,
        windows=list(windows),
        positions=[Position(time_s=one.start_s, box=(1, 2, 3, 4), score=1.0) for one in windows],
    )


def result(*faces: Face, duration_s: float, sha256: str = "1" * 64) -> Result:
    """A result of these faces."""
    video = VideoInfo(
        duration_s=duration_s, width=64, height=64, rotation=0, frames_decoded=1, frames_analysed=1, sha256=sha256
    )
    return Result(job_id=None, model=MODEL, video=video, faces=list(faces))


def course(duration_s: float, happiness: Callable[[float], float]) -> Result:
    """A result of one face whose happiness is a function of the time in the middle of each window."""
    starts = [STEP_S * index for index in range(int((duration_s - LENGTH_S) / STEP_S) + 1)]
    windows = [window(start_s, {"happiness": happiness(start_s + LENGTH_S / 2)}) for start_s in starts]
    return result(face(windows), duration_s=duration_s)


def planted(duration_s: float, *episodes: tuple[float, float], high: float = 0.8) -> Result:
    """A result of one face that is happy from the start to the end of each episode, and neutral otherwise."""
    return course(duration_s, lambda time_s: high if any(a <= time_s < b for a, b in episodes) else 0.02)


def write_result(folder: Path, name: str, content: Result) -> None:
    """Write a result file as `duygu analyze --json` does."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(content.model_dump_json(), encoding="utf-8")
