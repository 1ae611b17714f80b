"""ELAN annotation files (.eaf): one tier per face, with an emotion in each annotation.

Format: https://www.mpi.nl/tools/elan/EAF_Annotation_Format_3.0_and_ELAN.pdf
"""

from dataclasses import dataclass, field
from xml.parsers import expat  # the document type is refused, so no entities are expanded

from duygu.shared.errors import InvalidLabelError
from duygu.shared.workbench.labels.formats.entries import Entries, Entry, quoted
from duygu.shared.workbench.labels.label import emotion_of

MILLISECONDS = 1000

Attributes = dict[str, str]


TIER_ATTRIBUTES = ("TIER_ID", "PARTICIPANT", "ANNOTATOR")


@dataclass(slots=True)
class _Tier:
    name: str
    participant: str
    annotator: str
    annotations: list[tuple[str, str, str]] = field(default_factory=list)
    """Ids of the first and last time slot, and the value."""


class _Reader:
    """Collects time slots and tiers while the document is parsed."""

    def __init__(self) -> None:
        self.slots: dict[str, str | None] = {}
        self.tiers: list[_Tier] = []
        self.media: set[str] = set()
        self._slots: tuple[str, str] | None = None
        self._value: list[str] | None = None

    def start(self, name: str, attributes: Attributes) -> None:
        match name:
            case "HEADER" if attributes.get("TIME_UNITS", "milliseconds") != "milliseconds":
                raise InvalidLabelError(f"the times of the file are in {quoted(attributes['TIME_UNITS'])}")
            case "MEDIA_DESCRIPTOR":
                self.media.add(attributes.get("MEDIA_URL", ""))
            case "TIME_SLOT":
                self.slots[attributes.get("TIME_SLOT_ID", "")] = attributes.get("TIME_VALUE")
            case "TIER":
                name, participant, annotator = (attributes.get(key, "") for key in TIER_ATTRIBUTES)
                self.tiers.append(_Tier(name, participant, annotator))
            case "ALIGNABLE_ANNOTATION":
                self._slots = attributes.get("TIME_SLOT_REF1", ""), attributes.get("TIME_SLOT_REF2", "")
            case "ANNOTATION_VALUE" if self._slots:
                self._value = []

    def text(self, data: str) -> None:
        if self._value is not None:
            self._value.append(data)

    def end(self, name: str) -> None:
        if name == "ANNOTATION_VALUE" and self._slots and self._value is not None and self.tiers:
            self.tiers[-1].annotations.append((*self._slots, "".join(self._value)))
            self._value = None
        elif name == "ALIGNABLE_ANNOTATION":
            self._slots = None


def read_eaf(content: bytes) -> Entries:
    """Read the tiers that hold labels; the others are skipped.

    Raises InvalidLabelError for a file that is not well-formed, has a document type, or lacks a time, and for a tier
    that holds labels and other values.
    """
    reader = _Reader()
    _parse(content, reader)
    found = Entries(media={name for name in reader.media if name}, on_player_clock=True)
    for tier in reader.tiers:
        words = [value for *_, value in tier.annotations]
        known = [word for word in words if emotion_of(word)]
        if known:
            found.found += [_entry(tier, annotation, reader) for annotation in tier.annotations]
        elif words:
            found.skipped.append(tier.name)
    return found


def _parse(content: bytes, reader: _Reader) -> None:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise InvalidLabelError(f"the file is not well-formed XML: {error}") from error
    except (ValueError, LookupError) as error:  # an unknown encoding
        raise InvalidLabelError("the file has an unknown encoding") from error


def _refuse(*_declaration: object) -> None:
    raise InvalidLabelError("the file has a document type declaration, which ELAN does not write")


def _entry(tier: _Tier, annotation: tuple[str, str, str], reader: _Reader) -> Entry:
    first, last, word = annotation
    where = f"tier {quoted(tier.name)}"
    subject = tier.participant or tier.name
    return Entry(where, subject, _time(first, where, reader), _time(last, where, reader), word, tier.annotator)


def _time(slot: str, where: str, reader: _Reader) -> float:
    """The time of a slot in seconds. A slot that is not aligned has none."""
    value = reader.slots.get(slot)
    if value is None or not value.isascii() or not value.isdigit() or len(value) > MAX_DIGITS:
        raise InvalidLabelError(f"{where}: an annotation has no time in the media")
    return int(value) / MILLISECONDS


MAX_DIGITS = 12
"""Digits of a time in milliseconds: thirty years."""
