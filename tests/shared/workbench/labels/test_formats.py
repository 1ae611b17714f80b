"""Files of labels: CSV, JSON, ELAN and BORIS."""

import json

import pytest

from duygu.shared.errors import DuyguError, InvalidLabelError, LabelsOverlapError, OtherVideoError, UnknownFaceError
from duygu.shared.schemas.result import Result
from duygu.shared.workbench.labels.formats.reading import MAX_BYTES, read_label_file, slug
from duygu.shared.workbench.labels.label import Label
from tests.support.results.known import face, two_faces, window
from tests.support.results.label_files import (
    AGGREGATED,
    BORIS,
    CSV,
    EAF,
    EVENTS,
    FORMATS,
    HAPPY,
    SAD,
    UNCLEAR,
    labelled_result,
)


def read(text: str, result: Result | None = None) -> dict[str, list[Label]]:
    """Return the labels of a file."""
    return read_label_file(text.encode(), result or labelled_result(), "ann").labels


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_the_same_labels(form: str) -> None:
    """Faces are found by number and name, words by label and synonym, in every format."""
    assert read(FORMATS[form]) == {"ann": [HAPPY, SAD, UNCLEAR]}


def test_other_codes_are_skipped_and_named() -> None:
    """Tiers of speech and other behaviours are skipped, and listed for the user."""
    assert read_label_file(EAF.encode(), labelled_result(), "ann").skipped == ("speech",)
    for text in (AGGREGATED, EVENTS, json.dumps(BORIS)):
        assert read_label_file(text.encode(), labelled_result(), "ann").skipped == ("blink",)


def test_raters_of_a_file() -> None:
    """A column `rater`, or the annotator of a tier, separates raters."""
    rows = "face_id,start_s,end_s,emotion,rater\n1,0.5,1.9,happy,Ann B.\n1,0.5,1.9,sad,cem\n1,4,4.9,sad,\n"
    assert read(rows) == {"ann": [SAD], "ann-b": [HAPPY], "cem": [HAPPY.model_copy(update={"emotion": "sadness"})]}
    assert set(read(EAF.replace('TIER_ID="emotion-2"', 'ANNOTATOR="Cem" TIER_ID="emotion-2"'))) == {"ann", "cem"}
    assert slug("  Dr. Ann_B ") == "dr-ann-b"
    assert slug("Işıl Özgür") == "isil-ozgur"


def test_one_face_needs_no_subject() -> None:
    """In a result with one face, a file with one subject or none belongs to it."""
    result = two_faces()
    alone = result.model_copy(update={"faces": [face(3, [window(0.0, "neutral", 0.8)])]})
    for subject in ("", "No focal subject", "Ann"):
        [label] = read(f"face_id,start_s,end_s,emotion\n{subject},0,1,fear\n", alone)["ann"]
        assert label.face_id == 3
    with pytest.raises(UnknownFaceError):
        read("face_id,start_s,end_s,emotion\n2,0,1,fear\n", alone)
    with pytest.raises(UnknownFaceError):
        read("face_id,start_s,end_s,emotion\nAnn,0,1,fear\nBob,0,1,fear\n", alone)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        (CSV.replace("happy", "joyous"), InvalidLabelError, "line 2: unknown label 'joyous'"),
        (CSV.replace("1.9", "0.2"), InvalidLabelError, "line 2: the label ends at 0.2 s, not after its start"),
        (CSV.replace("1.9", "inf"), InvalidLabelError, "line 2: 'inf' is not a time"),
        (CSV.replace("1.9", "-1"), InvalidLabelError, "line 2: '-1' is not a time"),
        (CSV.replace("4,4.9", "1.8,4.9"), LabelsOverlapError, "two labels of face 1 overlap"),
        (CSV.replace("Bob", "Cem"), UnknownFaceError, "unknown face 'Cem' (line 3); known: 1, 2"),
        ("start,end\n0,1\n", InvalidLabelError, "no header"),
        ("", InvalidLabelError, "no header"),
        ("face_id,start_s,end_s,emotion\n", InvalidLabelError, "no labels"),
        ("[{", InvalidLabelError, "not JSON"),
        ("[" * 100_000, InvalidLabelError, "not JSON"),
        ("[1]", InvalidLabelError, "invalid labels"),
        ("{}", InvalidLabelError, "0 observations"),
        (json.dumps({"observations": {"a": {}, "b": {}}}), InvalidLabelError, "2 observations"),
        (json.dumps({"observations": {"a": {"events": [[1, "1", "fear"]]}}}), InvalidLabelError, "does not stop"),
        (EAF.replace("happy", "hapy"), InvalidLabelError, "tier 'face 1': unknown label 'hapy'"),
        (EAF.replace('REF2="ts2"', 'REF2="ts6"'), InvalidLabelError, "no time in the media"),
        (EAF.replace("milliseconds", "PAL-frames"), InvalidLabelError, "PAL-frames"),
        (EAF[:900], InvalidLabelError, "not well-formed"),
        (EVENTS.replace("4.9\t", "#\t"), InvalidLabelError, "is not a time"),
        (EVENTS.rpartition("4.9")[0], InvalidLabelError, "'sadness' of '1' starts and does not stop"),
        (" " * (MAX_BYTES + 1), InvalidLabelError, "the maximum is"),
    ],
)
def test_invalid_files_say_what_is_wrong(text: str, error: type[DuyguError], words: str) -> None:
    """The error names the place, the value and what was expected."""
    with pytest.raises(error) as raised:
        read(text)
    assert words in raised.value.detail


def test_bytes_that_are_not_text() -> None:
    """Invalid UTF-8 and null bytes are invalid files."""
    for content in (b"\xff\xfe\x00", b"\x00" * 9, CSV.encode().replace(b"happy", b"\x00"), b"<\xff>"):
        with pytest.raises(InvalidLabelError):
            read_label_file(content, labelled_result(), "ann")


def test_entities_are_not_expanded() -> None:
    """A document type, which entities need, is refused at once: neither files nor memory can be reached through it."""
    bomb = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>'
    for text in (EAF.replace("?>", f"?>{bomb}", 1), f"{bomb}<a>&b;&c;</a>"):
        with pytest.raises(InvalidLabelError, match="document type"):
            read(text)


@pytest.mark.parametrize(
    "text",
    [
        EAF.replace("my%20film", "another"),
        AGGREGATED.replace("5.0", "90.0"),
        AGGREGATED.replace("my film", "another"),
        EVENTS.replace("my film", "another"),
        json.dumps(BORIS).replace("5.02", "50.2"),
        CSV.replace("4,4.9", "70,71"),
        CSV.replace("emotion\n", "emotion,sha256\n").replace("happy", "happy," + "cd" * 32),
    ],
)
def test_labels_of_another_video(text: str) -> None:
    """Another name, another length, a time after the end or another hash is another video."""
    with pytest.raises(OtherVideoError):
        read(text)


def test_the_hash_is_stronger_than_the_name() -> None:
    """A renamed video with the same hash is the same video."""
    rows = f"face_id,start_s,end_s,emotion,sha256,video\n1,0.5,1.9,happy,{'AB' * 32},renamed.mp4\n"
    assert read(rows) == {"ann": [HAPPY]}
