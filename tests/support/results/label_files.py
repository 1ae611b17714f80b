"""Files of labels in every format, with the same three labels, and the result that they belong to."""

import json
from typing import Any

from duygu.shared.schemas.result import Result
from duygu.shared.workbench.labels.label import Label
from tests.support.results.known import two_faces

HAPPY = Label(face_id=1, start_s=0.5, end_s=1.9, emotion="happiness")
SAD = Label(face_id=1, start_s=4.0, end_s=4.9, emotion="sadness")
UNCLEAR = Label(face_id=2, start_s=0.5, end_s=1.4, emotion="cannot_tell")

CSV = "face_id,start_s,end_s,emotion\n1,0.5,1.9,happy\nBob,0.5,1.4,cannot tell\n1,4,4.9,sadness\n"

EAF = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-01-01T10:00:00+00:00" FORMAT="3.0" VERSION="3.0">
  <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
    <MEDIA_DESCRIPTOR MEDIA_URL="file:///C:/films/my%20film.mp4" MIME_TYPE="video/mp4"/>
  </HEADER>
  <TIME_ORDER>
    <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="500"/><TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="1900"/>
    <TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="4000"/><TIME_SLOT TIME_SLOT_ID="ts4" TIME_VALUE="4900"/>
    <TIME_SLOT TIME_SLOT_ID="ts5" TIME_VALUE="1400"/><TIME_SLOT TIME_SLOT_ID="ts6"/>
  </TIME_ORDER>
  <TIER LINGUISTIC_TYPE_REF="emotion" TIER_ID="face 1">
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
      <ANNOTATION_VALUE>happy</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts3" TIME_SLOT_REF2="ts4">
      <ANNOTATION_VALUE>Sadness</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
  </TIER>
  <TIER LINGUISTIC_TYPE_REF="emotion" PARTICIPANT="bob" TIER_ID="emotion-2">
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a3" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts5">
      <ANNOTATION_VALUE>cannot_tell</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
  </TIER>
  <TIER LINGUISTIC_TYPE_REF="speech" TIER_ID="speech">
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a4" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts6">
      <ANNOTATION_VALUE>hello &amp; welcome</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
  </TIER>
</ANNOTATION_DOCUMENT>
"""

BORIS: dict[str, Any] = {
    "time_format": "s",
    "project_format_version": "7.0",
    "behaviors_conf": {
        "0": {"type": "State event", "code": "happiness"},
        "1": {"type": "Point event", "code": "blink"},
    },
    "observations": {
        "one": {
            "file": {"1": ["/films/my film.mp4"], "2": []},
            "media_info": {"length": {"/films/my film.mp4": 5.02}},
            "events": [
                [0.5, "1", "happiness", "", ""],
                ["0.5", "Bob", "cannot_tell", "", ""],
                [1.4, "Bob", "cannot_tell", "", "", 35],
                [1.5, "1", "blink", "", ""],
                [1.9, "1", "happiness", "", ""],
                [4, "1", "sadness", "", ""],
                [4.9, "1", "sadness", "", ""],
            ],
        }
    },
}

AGGREGATED = """Observation id,Media duration (s),Subject,Behavior,Behavior type,Start (s),Stop (s),Media file name
one,5.0,1,happiness,STATE,0.5,1.9,my film.mp4
one,5.0,Bob,cannot_tell,STATE,0.5,1.4,my film.mp4
one,5.0,1,blink,POINT,1.5,NA,my film.mp4
one,5.0,1,sadness,STATE,4.0,4.9,my film.mp4
"""

EVENTS = """Observation id\tone
Media file(s)

Time\tMedia file path\tTotal length\tFPS\tSubject\tBehavior\tBehavioral category\tComment\tStatus
0.5\t/films/my film.mp4\t5.0\t30\t1\thappiness\t\t\tSTART
0.5\t/films/my film.mp4\t5.0\t30\tBob\tcannot_tell\t\t\tSTART
1.4\t/films/my film.mp4\t5.0\t30\tBob\tcannot_tell\t\t\tSTOP
1.5\t/films/my film.mp4\t5.0\t30\t1\tblink\t\t\tPOINT
1.9\t/films/my film.mp4\t5.0\t30\t1\thappiness\t\t\tSTOP
4.0\t/films/my film.mp4\t5.0\t30\t1\tsadness\t\t\tSTART
4.9\t/films/my film.mp4\t5.0\t30\t1\tsadness\t\t\tSTOP
"""

LABELS_JSON = json.dumps([label.model_dump() for label in (HAPPY, SAD, UNCLEAR)])

FORMATS = {
    "csv": CSV,
    "semicolons": CSV.replace(",", ";").replace(".", ","),
    "tabs and a byte order mark": "\ufeff" + CSV.replace(",", "\t"),
    "json": LABELS_JSON,
    "eaf": EAF,
    "boris": json.dumps(BORIS),
    "boris aggregated": AGGREGATED,
    "boris events": EVENTS,
}


def labelled_result() -> Result:
    """Return a result of `my film.mov` with face 1 and face 2, Bob."""
    result = two_faces()
    faces = [result.faces[0], result.faces[1].model_copy(update={"name": "Bob"})]
    video = result.video.model_copy(update={"name": "my film.mov", "sha256": "ab" * 32})
    return result.model_copy(update={"faces": faces, "video": video})
