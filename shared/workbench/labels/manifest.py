"""Labels as rows of a manifest for `training.prepare`: stretches of videos, which stay as they are."""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from duygu.shared.schemas.result import Face, Result
from duygu.shared.workbench.edits.editing import visible
from duygu.shared.workbench.labels.label import CANNOT_TELL, Label

COLUMNS = ("path", "subject", "emotion", "start_s", "end_s", "rater", "face_x", "face_y")
"""`face_x`, `face_y`: centre of the face in the middle of the stretch, as shares of the size of the frame."""

JOINED = "+"
"""Between the names of raters who gave the same label."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """A label with the raters who gave it."""

    label: Label
    raters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelManifest:
    """Rows by column, and the number of labels that were left out."""

    rows: list[dict[str, str]]
    undecided: int
    """Labels that contradict those of other raters, or are `cannot_tell`."""


def manifest_rows(
    result: Result, labels: Mapping[str, Sequence[Label]], path: str, columns: Mapping[str, str] | None = None
) -> LabelManifest:
    """Rows for the labels of visible faces.

    path     of the video, as the manifest has it
    columns  further columns with the same value in every row

    Labels of several raters for the same stretch become one row with the emotion of most of them. Labels that overlap
    with a different emotion of another rater are left out. The subject is the name of the face, or the name of the
    video with the number of the face.
    """
    faces = {face.face_id: face for face in visible(result).faces}
    given = {rater: [label for label in own if label.face_id in faces] for rater, own in labels.items()}
    kept = sorted(agreed(given), key=lambda one: (one.label.face_id, one.label.start_s, one.label.end_s))
    rows = [_row(one, faces[one.label.face_id], result, path) | dict(columns or {}) for one in kept]
    undecided = sum(map(len, given.values())) - sum(len(one.raters) for one in kept)
    return LabelManifest(rows, undecided)


def agreed(labels: Mapping[str, Sequence[Label]]) -> list[Agreed]:
    """The labels that no other rater contradicts."""
    by_stretch: defaultdict[tuple[int, float, float], list[tuple[str, Label]]] = defaultdict(list)
    for rater in sorted(labels):
        for label in labels[rater]:
            by_stretch[label.face_id, label.start_s, label.end_s].append((rater, label))
    found = [one for own in by_stretch.values() if (one := _majority(own))]
    return list(_uncontradicted(found))


def _majority(own: Sequence[tuple[str, Label]]) -> Agreed | None:
    """The label of most raters who can tell, for one stretch; None without one and for a tie."""
    counts = Counter(label.emotion for _, label in own if label.emotion != CANNOT_TELL).most_common(2)
    if not counts or (len(counts) > 1 and counts[0][1] == counts[1][1]):
        return None
    emotion = counts[0][0]
    raters = tuple(rater for rater, label in own if label.emotion == emotion)
    return Agreed(next(label for _, label in own if label.emotion == emotion), raters)


def _uncontradicted(found: Iterable[Agreed]) -> Iterator[Agreed]:
    """The labels that do not overlap with another emotion of the same face."""
    by_face: defaultdict[int, list[Agreed]] = defaultdict(list)
    for one in found:
        by_face[one.label.face_id].append(one)
    for own in by_face.values():
        own.sort(key=lambda one: one.label.start_s)
        longest_s = max(one.label.end_s - one.label.start_s for one in own)
        for place, one in enumerate(own):
            if not any(_contradicts(one.label, other.label) for other in _near(own, place, longest_s)):
                yield one


def _near(own: Sequence[Agreed], place: int, longest_s: float) -> Iterator[Agreed]:
    """The labels that may overlap with one, in order of their starts. `longest_s`: length of the longest label."""
    label = own[place].label
    for other in reversed(own[:place]):
        if other.label.start_s + longest_s <= label.start_s:
            break
        yield other
    for other in own[place + 1 :]:
        if other.label.start_s >= label.end_s:
            break
        yield other


def _contradicts(one: Label, other: Label) -> bool:
    return one.emotion != other.emotion and one.start_s < other.end_s and other.start_s < one.end_s


def _row(one: Agreed, face: Face, result: Result, path: str) -> dict[str, str]:
    label = one.label
    position = min(face.positions, key=lambda position: abs(position.time_s - label.middle_s))
    left, top, width, height = position.box
    stem = path.replace("\\", "/").rpartition("/")[2].rpartition(".")[0] or path
    cells = (
        *(
            path,
            face.name or f"{stem} face {face.face_id}",
            label.emotion,
            str(round(label.start_s, 3)),
            str(round(label.end_s, 3)),
        ),
        JOINED.join(one.raters),
        f"{(left + width / 2) / result.video.width:.4f}",
        f"{(top + height / 2) / result.video.height:.4f}",
    )
    return dict(zip(COLUMNS, cells, strict=True))


def manifest_text(known: Sequence[Mapping[str, str]], added: Sequence[Mapping[str, str]]) -> str:
    """CSV with rows, each once, and the columns of all of them."""
    rows = [*known, *(row for row in added if row not in known)]
    names = dict.fromkeys([*COLUMNS, *(name for row in rows for name in row)])
    text = io.StringIO()
    writer = csv.DictWriter(text, list(names), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
