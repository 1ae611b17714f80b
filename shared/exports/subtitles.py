"""Subtitle export of the emotions: WebVTT for players and browsers, SubRip for editors."""

from dataclasses import dataclass
from html import escape

from duygu.shared.exports.spans import Span, is_talking, runs_of
from duygu.shared.exports.titles import face_title
from duygu.shared.schemas.result import Face, Result


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle."""

    start_ms: int
    end_ms: int
    face_id: int
    voice: str
    """Name of the face."""
    text: str


def vtt(result: Result, *, mark_speaking: bool = False) -> str:
    """Render WebVTT (W3C); the voice of each cue is the face.

    mark_speaking  whether `(talking)` marks where the person speaks, if that was measured
    """
    cues = (
        f"{_stamp(cue.start_ms, '.')} --> {_stamp(cue.end_ms, '.')}\n<v {escape(cue.voice)}>{escape(cue.text)}\n"
        for cue in _cues(result, mark_speaking)
    )
    return "\n".join(["WEBVTT\n", *cues])


def srt(result: Result, *, mark_speaking: bool = False) -> str:
    """Render SubRip, with cues numbered from 1; `mark_speaking` as for `vtt`."""
    cues = (
        f"{number}\n{_stamp(cue.start_ms, ',')} --> {_stamp(cue.end_ms, ',')}\n{cue.text}\n"
        for number, cue in enumerate(_cues(result, mark_speaking), 1)
    )
    return "\n".join(cues)


def _cues(result: Result, mark_speaking: bool) -> list[Cue]:
    first_s = result.video.first_frame_s
    runs = ((face, run) for face in result.faces for run in runs_of(face, by_talking=mark_speaking))
    cues = [_cue(face, run, first_s, mark_speaking) for face, run in runs]
    return sorted(cues, key=lambda cue: (cue.start_ms, cue.face_id))


def _cue(face: Face, run: list[Span], first_s: float, mark_speaking: bool) -> Cue:
    """Cue of a run of spans with one emotion, in player time. The confidence is the mean of the windows."""
    start_ms, end_ms = (round((first_s + time_s) * 1000) for time_s in (run[0].start_s, run[-1].end_s))
    confidence = sum(span.window.confidence for span in run) / len(run)
    doubt = "?" if run[0].window.uncertain else ""
    mark = " (talking)" if mark_speaking and is_talking(run[0].window) else ""
    text = f"{face_title(face)}: {run[0].window.emotion}{doubt} {confidence:.0%}{mark}"
    return Cue(start_ms, max(end_ms, start_ms + 1), face.face_id, face_title(face), text)


def _stamp(milliseconds: int, mark: str) -> str:
    """Format as hours:minutes:seconds and, after the mark, milliseconds."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{mark}{rest:03}"
