"""The windows of a baseline, and what makes a baseline doubtful."""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from duygu.shared.errors import BaselineNoFaceError, BaselineSeveralFacesError, BaselineTooShortError
from duygu.shared.schemas.emotions import NEUTRAL, OTHER
from duygu.shared.schemas.result import Doubt, Flag, Warning, Window  # noqa: A004

TOO_SHORT, NO_FACE = BaselineTooShortError.code, BaselineNoFaceError.code
"""Codes of the errors, and of the warnings if another face has a baseline."""

SEVERAL_FACES = BaselineSeveralFacesError.code
"""Code of the error, and of the warning if several faces could have the baseline of another recording."""

SPEAKING: Doubt = "baseline_speaking"
"""Warning code: the person speaks in most of the baseline."""

EXPRESSIVE: Doubt = "baseline_expressive"
"""Warning code: without a baseline, most windows of the baseline show emotions that are not uncertain."""

DETAILS = {
    SPEAKING: "the person speaks in most of the baseline",
    EXPRESSIVE: "the baseline shows an emotion, which relative predictions lack",
    SEVERAL_FACES: "several are visible at the same time, and the baseline from another recording is that of one "
    "person; choose the face by an edit",
}
"""Details of the warnings about doubtful baselines."""

SPEAKS = 0.5
"""Mean probability of speaking from which a baseline is doubtful."""

BORDER_S = 0.05
"""Half of the interval of two crops, by which a window may exceed a span."""

DECIMALS_S = 3
"""Decimals of the times of a result."""

UNUSABLE = frozenset({Flag.GAP, Flag.PADDED})
"""Flags of windows without ten different crops, or with a gap between them."""


class Timed(Protocol):
    """A window, of the engine or of a result."""

    @property
    def start_s(self) -> float:
        """Start in seconds."""
        ...

    @property
    def end_s(self) -> float:
        """End in seconds."""
        ...

    @property
    def flags(self) -> Sequence[Flag]:
        """Flags of the window."""
        ...


W = TypeVar("W", bound=Timed)


def windows_within(windows: Iterable[W], spans: Sequence[tuple[float, float]]) -> list[W]:
    """The windows inside one of the spans that have ten crops without a gap."""
    return [
        window
        for window in windows
        if not UNUSABLE.intersection(window.flags) and any(_is_inside(window, span) for span in spans)
    ]


def _is_inside(window: Timed, span: tuple[float, float]) -> bool:
    start_s, end_s = round(window.start_s, DECIMALS_S), round(window.end_s, DECIMALS_S)
    return span[0] - BORDER_S <= start_s and end_s <= span[1] + BORDER_S


def is_speaking(values: Iterable[float | None]) -> bool:
    """Whether the person speaks in most of the windows with these probabilities of speaking; None: not measured."""
    known = [value for value in values if value is not None]
    return bool(known) and sum(known) / len(known) >= SPEAKS


def baseline_warning(code: str, face_ids: Sequence[int], detail: str | None = None) -> Warning:
    """A warning about the baselines of faces."""
    faces = f"face{'s' if len(face_ids) > 1 else ''} {', '.join(map(str, face_ids))}"
    return Warning(code=code, detail=f"{faces}: {DETAILS[code] if detail is None else detail}")


def doubts_about(windows: Sequence[Window]) -> tuple[Doubt, ...]:
    """Codes of the warnings about a baseline of these windows."""
    speaks = is_speaking(window.speaking for window in windows)
    expressive = [not window.uncertain and window.emotion not in (NEUTRAL, OTHER) for window in windows]
    return (*([SPEAKING] if speaks else []), *([EXPRESSIVE] if 2 * sum(expressive) > len(windows) else []))
