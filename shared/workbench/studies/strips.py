"""Strips of frames along the axis of a stimulus, for a report."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import count
from pathlib import Path

from duygu.shared.workbench.studies.outcome import Unit
from duygu.shared.workbench.studies.statistics.time_course import TimeCourse

FRAMES = 8
"""Frames of one strip."""

MAX_STRIPS = 24
"""Strips of one report, each of about 60 kilobytes."""

STYLE = """
figure.frames { margin: 12px 0 16px; } figure.frames figcaption { color: #555b66; font-size: 13px; }
.frames div { display: grid; grid-template-columns: repeat(8, minmax(0, 1fr)); gap: 4px; }
.frames p { margin: 0; font-size: 12px; color: #555b66; } .frames img { display: block; width: 100%; height: auto; }
.frames i { display: block; aspect-ratio: 4 / 3; background: #ecece8; }
@media print { figure.frames { break-inside: avoid; } .frames img { print-color-adjust: exact; } }
"""


@dataclass(frozen=True, slots=True)
class Reel:
    """Where the frames of one strip come from."""

    stimulus: str
    caption: str
    video: Path
    times: Sequence[tuple[float, float | None]]
    """Times of the frames: on the clock of the stimulus, and in the video; None where the video has none."""
    of_participant: bool = True


@dataclass(frozen=True, slots=True)
class Strip:
    """The frames of one stimulus, of equal distance in time."""

    stimulus: str
    caption: str
    frames: Sequence[tuple[float, bytes | None]]
    """Time on the clock of the stimulus and JPEG; None where there is no picture."""
    shows_faces: bool = True
    """Whether faces of participants can be seen."""


def reels(courses: Iterable[TimeCourse], films: Mapping[str, Path]) -> list[Reel]:
    """A reel for each stimulus: of its film or, for each group, of the recording of the first participant.

    films  files of stimuli, which start with the stimulus
    """
    found: list[Reel] = []
    for course in {course.stimulus: course for course in courses}.values():
        start_s, step_s = float(course.times[0]), len(course.times) * course.step_s / FRAMES
        times = [round(start_s + (place + 0.5) * step_s, 3) for place in range(FRAMES)]
        if film := films.get(course.stimulus):
            placed = [(time_s, time_s if time_s >= 0 else None) for time_s in times]
            found.append(Reel(course.stimulus, film.name, film, placed, of_participant=False))
            continue
        firsts = {unit.group: unit for unit in reversed(course.units)}
        found += [_of_participant(firsts[group], times) for group in sorted(firsts)]
    return found[:MAX_STRIPS]


def _of_participant(unit: Unit, times: Sequence[float]) -> Reel:
    recording = unit.recordings[0]
    series, row = recording.series, recording.row
    placed = [(time_s, time_s + row.offset_s) for time_s in times]
    inside = [(time_s, at_s if series.start_s <= at_s < series.end_s else None) for time_s, at_s in placed]
    caption = ", ".join(filter(None, (unit.participant, unit.group)))
    return Reel(unit.stimulus, caption, row.path, inside)


def strip_html(strips: Iterable[Strip], stimulus: str) -> str:
    """The strips of a stimulus as HTML, with their pictures embedded."""
    return "".join(_figure(strip) for strip in strips if strip.stimulus == stimulus)


def _figure(strip: Strip) -> str:
    cells = (_cell(time_s, jpeg, number) for (time_s, jpeg), number in zip(strip.frames, count(1), strict=False))
    return (
        f'<figure class="frames"><div>{"".join(cells)}</div><figcaption>{escape(strip.caption)}</figcaption></figure>'
    )


def _cell(time_s: float, jpeg: bytes | None, number: int) -> str:
    when = f"{time_s:.1f} s"
    if jpeg is None:
        return f"<p><i></i>{when}</p>"
    data = base64.b64encode(jpeg).decode()
    return f'<p><img src="data:image/jpeg;base64,{data}" alt="frame {number} at {when}">{when}</p>'
