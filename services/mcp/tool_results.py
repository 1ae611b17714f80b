"""Results of the MCP tools: small summaries of an analysis. Each has the notes that belong to its figures."""

from collections.abc import Iterable, Sequence
from itertools import combinations, pairwise
from statistics import fmean
from typing import Annotated

from pydantic import Field

from duygu.shared.errors import InvalidRequestError, UnknownFaceError
from duygu.shared.exports.spans import Span, is_talking, shares_of, spans_of, uncertain_share
from duygu.shared.exports.titles import face_title
from duygu.shared.schemas.base import Probability, Schema, Seconds
from duygu.shared.schemas.emotions import NEUTRAL
from duygu.shared.schemas.result import Face, Result, Window
from duygu.shared.workbench.edits.editing import visible

PEAKS = 3
"""Strongest moments in a summary of a face."""

FEW_WINDOWS = 10
"""With fewer windows, a summary has a note."""

MEANING = (
    "These are estimates of what a face shows, not of what a person feels, thinks or intends. Do not use them to "
    "decide about a person. In the European Union, inferring emotions at work or in education is prohibited "
    "(AI Act, Article 5)."
)

Share = Annotated[Probability, Field(description="of the time at which the face was classified")]


class ToolResult(Schema):
    """The result of a tool that reads one analysis."""

    analysis_id: str
    notes: list[str] = Field(description="limits of these figures, to be passed on with them")


class Peak(Schema):
    """A strong moment."""

    time_s: Seconds
    emotion: str
    confidence: Probability


class FaceSummary(Schema):
    """One face in a span of time."""

    face_id: int
    name: str | None
    classified_s: Seconds = Field(description="time at which the face was classified")
    shares: dict[str, Share] = Field(description="share of time per emotion, certain windows only")
    uncertain: Share = Field(description="share of time in uncertain windows; with `shares` it sums to 1")
    mean_probabilities: dict[str, Probability] = Field(description="mean over all windows")
    changes_per_minute: float | None = Field(description="changes of emotion between adjacent certain windows")
    peaks: list[Peak] = Field(description="the most confident certain windows that are not neutral")
    talking: Probability | None = Field(
        default=None, description="share of the windows in which the person talks; null if movements were not measured"
    )
    mean_valence: float | None = Field(default=None, description="-1 to 1; null if movements were not measured")
    mean_relative_probabilities: dict[str, Probability] | None = Field(
        default=None, description="mean over all windows, relative to the resting face; null without a baseline"
    )


class Summary(ToolResult):
    """All faces in a span of time."""

    start_s: Seconds
    end_s: Seconds
    faces: list[FaceSummary]


class PairComparison(Schema):
    """Two faces over the time at which both were classified."""

    face_ids: tuple[int, int]
    together_s: Seconds
    same_emotion: Probability | None = Field(
        description="share of the common windows with equal emotions, among those certain for both; null without any"
    )
    compared_windows: int = Field(description="number of those windows")
    mean_probability_difference: dict[str, float] = Field(description="mean of the first less mean of the second")


class Comparison(ToolResult):
    """Faces compared in pairs."""

    pairs: list[PairComparison]


class WindowRow(Schema):
    """One window."""

    face_id: int
    start_s: Seconds
    end_s: Seconds
    emotion: str
    confidence: Probability
    uncertain: bool
    flags: list[str]
    speaking: Probability | None = Field(default=None, description="null if movements were not measured")
    valence: float | None = Field(default=None, description="-1 to 1; null if movements were not measured")
    relative_emotion: str | None = Field(
        default=None, description="relative to the person's resting face; null without a baseline"
    )
    relative_uncertain: bool | None = Field(default=None, description="as `uncertain`, of `relative_emotion`")


class WindowPage(ToolResult):
    """A page of windows in order of time."""

    windows: list[WindowRow]
    next_offset: int | None = Field(description="`offset` of the next page; null on the last one")


def summarize(analysis_id: str, result: Result, start_s: float, end_s: float | None) -> Summary:
    """Summarise every face between two times. Raises InvalidRequestError for an empty span."""
    faces, end_s = _between(result, start_s, end_s)
    summaries = [_summary(face) for face in faces if face.windows]
    return Summary(
        analysis_id=analysis_id, notes=notes_of(result, faces), start_s=start_s, end_s=end_s, faces=summaries
    )


def compare(
    analysis_id: str, result: Result, face_ids: Sequence[int], start_s: float, end_s: float | None
) -> Comparison:
    """Compare faces in pairs; without ids, the four that are visible longest. Raises UnknownFaceError."""
    faces, _ = _between(result, start_s, end_s)
    by_id = {face.face_id: face for face in faces}
    if unknown := [face_id for face_id in face_ids if face_id not in by_id]:
        raise UnknownFaceError(unknown[0], list(by_id))
    longest = sorted(faces, key=lambda face: -len(face.windows))[:4]
    chosen = [by_id[face_id] for face_id in face_ids] or longest
    pairs = [_pair(one, other) for one, other in combinations(chosen, 2)]
    return Comparison(analysis_id=analysis_id, notes=notes_of(result, chosen), pairs=pairs)


def windows_page(
    analysis_id: str,
    result: Result,
    *,
    face_id: int | None,
    start_s: float,
    end_s: float | None,
    offset: int,
    limit: int,
) -> WindowPage:
    """Windows of one face, or of all, between two times. Raises UnknownFaceError."""
    faces, _ = _between(result, start_s, end_s)
    if face_id is not None:
        known = [face.face_id for face in faces]
        faces = [face for face in faces if face.face_id == face_id]
        if not faces:
            raise UnknownFaceError(face_id, known)
    rows = sorted((_row(face, window) for face in faces for window in face.windows), key=lambda row: row.start_s)
    end = offset + limit
    return WindowPage(
        analysis_id=analysis_id,
        notes=notes_of(result, faces),
        windows=rows[offset:end],
        next_offset=end if end < len(rows) else None,
    )


def notes_of(result: Result, faces: Iterable[Face]) -> list[str]:
    """The meaning of the figures, how often certain windows are right, few windows, and the warnings of the result."""
    counts = {face_title(face): len(face.windows) for face in faces}
    few = [f"{title} has {count} windows only" for title, count in counts.items() if count < FEW_WINDOWS]
    share = result.model.certain_means
    certainty = (
        f"About {share:.0%} of the windows that are not uncertain were right on people outside the training data."
        if share is not None
        else "How often windows that are not uncertain are right is unknown for this model."
    )
    return [MEANING, certainty, *few, *(warning.detail for warning in result.warnings)]


def _between(result: Result, start_s: float, end_s: float | None) -> tuple[list[Face], float]:
    """Faces without those that an edit excluded, with the windows whose middle lies in [start_s, end_s)."""
    end_s = result.video.duration_s if end_s is None else end_s
    if not 0 <= start_s < max(end_s, 1e-9):
        raise InvalidRequestError(f"`start_s` {start_s:g} is not before `end_s` {end_s:g}")
    last = end_s if end_s < result.video.duration_s else float("inf")
    return [
        face.model_copy(update={"windows": [window for window in face.windows if start_s <= _middle(window) < last]})
        for face in visible(result).faces
    ], end_s


def _middle(window: Window) -> float:
    return (window.start_s + window.end_s) / 2


def _summary(face: Face) -> FaceSummary:
    spans = spans_of(face)
    return FaceSummary(
        face_id=face.face_id,
        name=face.name,
        classified_s=_length(spans),
        shares={emotion: round(share, 3) for emotion, share in shares_of(face).items()},
        uncertain=round(uncertain_share(face), 3),
        mean_probabilities=_rounded(_means(face)),
        changes_per_minute=_changes_per_minute(spans),
        peaks=_peaks(face),
        talking=_mean([is_talking(window) for window in face.windows if window.speaking is not None]),
        mean_valence=_mean([window.valence for window in face.windows if window.valence is not None]),
        mean_relative_probabilities=_relative_means(face),
    )


def _mean(figures: Sequence[float]) -> float | None:
    return round(fmean(figures), 3) if figures else None


def _relative_means(face: Face) -> dict[str, float] | None:
    found = [window.relative.probabilities for window in face.windows if window.relative]
    return _rounded({label: fmean(each[label] for each in found) for label in found[0]}) if found else None


def _length(spans: list[Span]) -> float:
    return round(sum(span.end_s - span.start_s for span in spans), 2)


def _means(face: Face) -> dict[str, float]:
    labels = face.windows[0].probabilities if face.windows else {}
    return {label: fmean(window.probabilities[label] for window in face.windows) for label in labels}


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {label: round(figure, 3) for label, figure in figures.items()}


def _changes_per_minute(spans: list[Span]) -> float | None:
    certain = [span for span in spans if not span.window.uncertain]
    minutes = sum(span.end_s - span.start_s for span in certain) / 60
    changes = sum(one.window.emotion != other.window.emotion for one, other in pairwise(certain))
    return round(changes / minutes, 2) if minutes else None


def _peaks(face: Face) -> list[Peak]:
    certain = [window for window in face.windows if not window.uncertain and window.emotion != NEUTRAL]
    strongest = sorted(certain, key=lambda window: -window.confidence)[:PEAKS]
    return [Peak(time_s=round(_middle(one), 2), emotion=one.emotion, confidence=one.confidence) for one in strongest]


def _pair(one: Face, other: Face) -> PairComparison:
    """Spans are compared at the middle of each window of the first face."""
    theirs = spans_of(other)
    common: list[tuple[Span, Window]] = []
    for span in spans_of(one):
        middle = (span.start_s + span.end_s) / 2
        match = next((each.window for each in theirs if each.start_s <= middle <= each.end_s), None)
        if match is not None:
            common.append((span, match))
    certain = [(span.window, match) for span, match in common if not (span.window.uncertain or match.uncertain)]
    first, second = _means(one), _means(other)
    return PairComparison(
        face_ids=(one.face_id, other.face_id),
        together_s=_length([span for span, _ in common]),
        same_emotion=round(fmean(a.emotion == b.emotion for a, b in certain), 3) if certain else None,
        compared_windows=len(certain),
        mean_probability_difference=_rounded(
            {label: first[label] - second[label] for label in first if label in second}
        ),
    )


def _row(face: Face, window: Window) -> WindowRow:
    return WindowRow(
        face_id=face.face_id,
        start_s=window.start_s,
        end_s=window.end_s,
        emotion=window.emotion,
        confidence=window.confidence,
        uncertain=window.uncertain,
        flags=list(window.flags),
        speaking=window.speaking,
        valence=window.valence,
        relative_emotion=window.relative.emotion if window.relative else None,
        relative_uncertain=window.relative.uncertain if window.relative else None,
    )
