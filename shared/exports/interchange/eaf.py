"""ELAN annotation file (.eaf): a tier per face with a controlled vocabulary, and a child tier for uncertain.

Format: https://www.mpi.nl/tools/elan/EAF_Annotation_Format_3.0_and_ELAN.pdf
"""

from collections.abc import Iterator
from html import escape

from duygu.shared.exports.interchange.stretches import UNCERTAIN, Stretch, Tier, tiers_of
from duygu.shared.schemas.result import Result
from duygu.shared.schemas.visible_text import only_visible

SCHEMA = (
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" FORMAT="3.0" VERSION="3.0" '
    'xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd"'
)

EMOTION, CERTAINTY = "emotion", "certainty"
"""Ids of the linguistic types and of their controlled vocabularies."""

CONSTRAINTS = {
    "Time_Subdivision": "Time subdivision of parent annotation's time interval, no time gaps allowed within this "
    "interval",
    "Symbolic_Subdivision": "Symbolic subdivision of a parent annotation. Annotations refering to the same parent are "
    "ordered",
    "Symbolic_Association": "1-1 association with a parent annotation",
    "Included_In": "Time alignable annotations within the parent annotation's time interval, gaps are allowed",
}
"""The four constraints of ELAN, in its own words."""

NO_DATE = "1970-01-01T00:00:00Z"

MEDIA_TYPES = {"mp4": "video/mp4", "m4v": "video/mp4", "mov": "video/quicktime", "webm": "video/webm"}


def eaf(result: Result) -> str:
    """Render ELAN's XML, on the clock of players. The video is linked by its name, beside the file."""
    tiers = tiers_of(result, result.video.first_frame_s)
    times = sorted({time for tier in tiers for one in tier.stretches for time in (one.start_ms, one.end_ms)})
    slots = {time: f"ts{number}" for number, time in enumerate(times, 1)}
    date = result.analysed_at.isoformat() if result.analysed_at else NO_DATE
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f"<ANNOTATION_DOCUMENT AUTHOR={_attribute(_annotator(result))} DATE={_attribute(date)} {SCHEMA}>",
            *_header(result),
            "<TIME_ORDER>",
            *(f'<TIME_SLOT TIME_SLOT_ID="{slot}" TIME_VALUE="{time}"/>' for time, slot in slots.items()),
            "</TIME_ORDER>",
            *_tiers(result, tiers, slots),
            f'<LINGUISTIC_TYPE CONTROLLED_VOCABULARY_REF="{EMOTION}" GRAPHIC_REFERENCES="false" '
            f'LINGUISTIC_TYPE_ID="{EMOTION}" TIME_ALIGNABLE="true"/>',
            f'<LINGUISTIC_TYPE CONSTRAINTS="Symbolic_Association" CONTROLLED_VOCABULARY_REF="{CERTAINTY}" '
            f'GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="{CERTAINTY}" TIME_ALIGNABLE="false"/>',
            '<LANGUAGE LANG_DEF="http://cdb.iso.org/lg/CDB-00138502-001" LANG_ID="und" '
            'LANG_LABEL="undetermined (und)"/>',
            *(f'<CONSTRAINT DESCRIPTION="{text}" STEREOTYPE="{name}"/>' for name, text in CONSTRAINTS.items()),
            *_vocabulary(EMOTION, _entries(result)),
            *_vocabulary(CERTAINTY, {UNCERTAIN: "cve-uncertain"}),
            "</ANNOTATION_DOCUMENT>\n",
        ]
    )


def _annotator(result: Result) -> str:
    return f"{result.program.name if result.program else 'duygu'} {result.model.name} {result.model.version}"


def _header(result: Result) -> Iterator[str]:
    yield '<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">'
    if name := result.video.name:
        file = name.rpartition("/")[2].replace("%", "%25")
        kind = MEDIA_TYPES.get(file.rpartition(".")[2].lower(), "video/*")
        yield (
            f"<MEDIA_DESCRIPTOR MEDIA_URL={_attribute(f'file:///{file}')} MIME_TYPE={_attribute(kind)} "
            f"RELATIVE_MEDIA_URL={_attribute(f'./{file}')}/>"
        )
    annotations = sum(1 + one.uncertain for tier in tiers_of(result) for one in tier.stretches)
    yield f'<PROPERTY NAME="lastUsedAnnotationId">{annotations}</PROPERTY>'
    yield "</HEADER>"


def _tiers(result: Result, tiers: list[Tier], slots: dict[int, str]) -> Iterator[str]:
    entries, number = _entries(result), 0
    for tier in tiers:
        who = f"ANNOTATOR={_attribute(_annotator(result))} PARTICIPANT={_attribute(tier.title)}"
        title = _attribute(tier.title)
        yield f'<TIER {who} LINGUISTIC_TYPE_REF="{EMOTION}" TIER_ID={title}>'
        ids = {number + place: stretch for place, stretch in enumerate(tier.stretches, 1)}
        number += len(ids)
        for place, stretch in ids.items():
            yield _annotation(place, stretch, slots, entries[stretch.emotion])
        yield "</TIER>"
        child = _attribute(f"{tier.title}: {UNCERTAIN}")
        yield f'<TIER {who} LINGUISTIC_TYPE_REF="{CERTAINTY}" PARENT_REF={title} TIER_ID={child}>'
        for place in (place for place, stretch in ids.items() if stretch.uncertain):
            number += 1
            yield (
                f'<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a{number}" ANNOTATION_REF="a{place}" '
                f'CVE_REF="cve-uncertain"><ANNOTATION_VALUE>{UNCERTAIN}</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>'
            )
        yield "</TIER>"


def _annotation(place: int, stretch: Stretch, slots: dict[int, str], entry: str) -> str:
    return (
        f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{place}" CVE_REF="{entry}" '
        f'TIME_SLOT_REF1="{slots[stretch.start_ms]}" TIME_SLOT_REF2="{slots[stretch.end_ms]}">'
        f"<ANNOTATION_VALUE>{_text(stretch.emotion)}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>"
    )


def _entries(result: Result) -> dict[str, str]:
    """Ids of the entries of the vocabulary by label: those of the model, and further ones that windows have."""
    found = [*result.model.labels, *(window.emotion for face in result.faces for window in face.windows)]
    return {label: f"cve-{number}" for number, label in enumerate(dict.fromkeys(found), 1)}


def _vocabulary(name: str, entries: dict[str, str]) -> Iterator[str]:
    yield f'<CONTROLLED_VOCABULARY CV_ID="{name}"><DESCRIPTION LANG_REF="und"/>'
    for label, entry in entries.items():
        value = f'<CVE_VALUE LANG_REF="und">{_text(label)}</CVE_VALUE>'
        yield f'<CV_ENTRY_ML CVE_ID="{entry}">{value}</CV_ENTRY_ML>'
    yield "</CONTROLLED_VOCABULARY>"


def _attribute(text: str) -> str:
    """Quoted value of an attribute."""
    return f'"{_text(text)}"'


def _text(text: str) -> str:
    """Escape text for XML 1.0."""
    return escape(only_visible(text, "\ufffd"))
