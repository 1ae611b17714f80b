"""Reading of a file of labels for a result: its format, its video, its faces and its raters."""

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import PureWindowsPath
from typing import Any
from urllib.parse import unquote

from pydantic import ValidationError

from duygu.shared.errors import InvalidLabelError, OtherVideoError, TooManyLabelsError, UnknownFaceError
from duygu.shared.model.recipe import explain
from duygu.shared.schemas.emotions import EMOTIONS
from duygu.shared.schemas.result import Face, Result
from duygu.shared.workbench.edits.editing import visible
from duygu.shared.workbench.labels.formats.boris import read_boris
from duygu.shared.workbench.labels.formats.delimited import read_table
from duygu.shared.workbench.labels.formats.eaf import read_eaf
from duygu.shared.workbench.labels.formats.entries import Entries, Entry, quoted
from duygu.shared.workbench.labels.label import LABELS, MAX_LABELS, Label, emotion_of, ordered

MAX_BYTES = 10_000_000
"""Maximum size of a file of labels."""

DURATION_TOLERANCE_S, DURATION_TOLERANCE = 1.0, 0.02
"""Programs measure the length of a video differently: absolute and relative tolerance."""

FACE = re.compile(r"(?:face|person|yüz|kişi)?[\s_#-]*(\d{1,9})", re.IGNORECASE)

NUMBERED = re.compile(r".*\(face (\d{1,9})\)", re.IGNORECASE)
"""A name with the number of the face, as exports have it where faces share a name."""

NO_SUBJECT = ("", "no focal subject")
"""Subjects that stand for no face; the second is that of BORIS."""


@dataclass(frozen=True, slots=True)
class LabelFile:
    """The labels of a file by rater, and the words or tiers that were skipped because they are no labels."""

    labels: dict[str, list[Label]]
    skipped: tuple[str, ...] = ()


def read_label_file(content: bytes, result: Result, rater: str) -> LabelFile:
    """Read the labels of a file for the faces of a result.

    rater  name of the rater where the file has none

    Raises InvalidLabelError for a file that is invalid or has no labels, OtherVideoError for one of another video,
    UnknownFaceError, LabelsOverlapError, and TooManyLabelsError.
    """
    if len(content) > MAX_BYTES:
        raise InvalidLabelError(f"the file has {len(content)} bytes; the maximum is {MAX_BYTES}")
    entries = _on_result_clock(_entries(content), result.video.first_frame_s)
    _check_video(entries, result)
    if not entries.found:
        raise InvalidLabelError(f"the file has no labels: expected {', '.join(EMOTIONS)} or cannot_tell")
    named = sorted(((slug(entry.rater) or slug(rater), entry) for entry in entries.found), key=lambda pair: pair[0])
    labels = {name: _labels([entry for _, entry in own], result) for name, own in groupby(named, lambda pair: pair[0])}
    return LabelFile(labels, tuple(dict.fromkeys(entries.skipped)))


def slug(name: str) -> str:
    """A name of a rater of lower-case letters without accents, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", name.lower().replace("ı", "i"))
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:40].strip("-")


def _entries(content: bytes) -> Entries:
    """The content by its format, which its first character shows."""
    start = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start == b"<":
        return read_eaf(content)
    text = _text(content)
    return _from_json(text) if start in (b"{", b"[") else read_table(text)


def _on_result_clock(entries: Entries, first_s: float) -> Entries:
    """The entries with times from the first frame; a label that begins before it begins with it."""
    if entries.on_player_clock and first_s:
        entries.durations_s |= {duration_s - first_s for duration_s in entries.durations_s}
        entries.found = [
            replace(one, start_s=max(one.start_s - first_s, 0.0), end_s=max(one.end_s - first_s, 0.0))
            for one in entries.found
        ]
    return entries


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidLabelError("the file is not UTF-8; save it as UTF-8, or as CSV UTF-8") from error


def _from_json(text: str) -> Entries:
    try:
        read: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidLabelError("the file is not JSON") from error
    if isinstance(read, dict):
        return read_boris(read)
    try:
        labels = LABELS.validate_python(read)
    except ValidationError as error:
        raise InvalidLabelError(f"invalid labels: {explain(error)[:200]}") from error
    return Entries(
        [
            Entry(f"label {place}", str(one.face_id), one.start_s, one.end_s, one.emotion)
            for place, one in enumerate(labels, 1)
        ]
    )


def _check_video(entries: Entries, result: Result) -> None:
    """Raises OtherVideoError for a file of another video, as far as it can be known."""
    video = result.video
    if entries.sha256 and video.sha256:
        if video.sha256 not in entries.sha256:
            raise OtherVideoError(f"the labels are for the video with the sha256 {min(entries.sha256)}")
        return
    media = {_stem(name) for name in entries.media}
    if media and video.name and _stem(video.name) not in media:
        raise OtherVideoError(f"the labels are for {quoted(min(entries.media))}, not for {quoted(video.name)}")
    tolerance_s = max(DURATION_TOLERANCE_S, DURATION_TOLERANCE * video.duration_s)
    if entries.durations_s and all(abs(one - video.duration_s) > tolerance_s for one in entries.durations_s):
        raise OtherVideoError(
            f"the labels are for a video of {min(entries.durations_s):g} s; this one has {video.duration_s:g} s"
        )
    last_s = max((entry.end_s for entry in entries.found), default=0.0)
    if last_s > video.duration_s + tolerance_s:
        raise OtherVideoError(f"a label ends at {last_s:g} s; the video has {video.duration_s:g} s")


def _stem(name: str) -> str:
    """The file name without folders and extension, of a path of any system or a file URL."""
    return PureWindowsPath(unquote(name)).stem.casefold()


def _labels(entries: Sequence[Entry], result: Result) -> list[Label]:
    """The labels of one rater."""
    if len(entries) > MAX_LABELS:
        raise TooManyLabelsError(f"{len(entries)} labels; the maximum of a rater is {MAX_LABELS}")
    subjects = {entry.subject.strip().lower() for entry in entries}
    faces = visible(result).faces
    only = faces[0] if len(faces) == 1 and len(subjects) == 1 else None
    return ordered(_label(entry, result.faces, only) for entry in entries)


def _label(entry: Entry, faces: Sequence[Face], only: Face | None) -> Label:
    emotion = emotion_of(entry.word)
    if emotion is None:
        raise InvalidLabelError(
            f"{entry.where}: unknown label {quoted(entry.word)}; known: {', '.join(EMOTIONS)}, cannot_tell"
        )
    if entry.end_s <= entry.start_s:
        raise InvalidLabelError(f"{entry.where}: the label ends at {entry.end_s} s, not after its start")
    face_id = _face(entry, faces, only)
    return Label.model_validate(
        {"face_id": face_id, "start_s": entry.start_s, "end_s": entry.end_s, "emotion": emotion}
    )


def _face(entry: Entry, faces: Sequence[Face], only: Face | None) -> int:
    """The face with the subject's id or name, or the only one of the result if the file has one subject only."""
    subject, known = entry.subject.strip(), {face.face_id for face in faces}
    number = FACE.fullmatch(subject) or NUMBERED.fullmatch(subject)
    if number and int(number[1]) in known:
        return int(number[1])
    named = [face.face_id for face in faces if face.name and face.name.casefold() == subject.casefold()]
    if len(named) == 1:
        return named[0]
    if only and (subject.lower() in NO_SUBJECT or not number):
        return only.face_id
    raise UnknownFaceError(f"{quoted(subject)} ({entry.where})", sorted(known))
