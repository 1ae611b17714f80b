"""Reading what a newer version of Duygu wrote, as in a rolling upgrade."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from duygu.shared.jobs.record import JobRecord
from duygu.shared.live.messages import CLIENT_MESSAGES, FrameResult, LiveFace, read_message
from duygu.shared.live.steps import REPLIES, FrameInfo, Reply, read_replies
from duygu.shared.paths import ROOT
from duygu.shared.schemas.job import Delivery, JobStatus, Work
from duygu.shared.schemas.result import Result
from tests.support.results.known import two_faces

FACE = LiveFace(
    face_id=1,
    state="known",
    start_s=0.0,
    end_s=1.0,
    emotion="fear",
    confidence=0.5,
    probabilities={"fear": 0.5, "anger": 0.5},
    uncertain=True,
    windows=two_faces().faces[0].windows,
    positions=two_faces().faces[0].positions,
)
RESULT = FrameResult(seq=1, frame=None, captured_at=0.0, latency_ms=1.0, width=8, height=6, faces=[FACE])
WORK = Work(time_s=1.0, frames_analysed=10, speed=2.0, duration_s=None, time_left_s=None)
DELIVERY = Delivery(attempted_at=datetime.now(UTC), status=500, error="no")


def newer(value: Any) -> Any:
    """Add a field to each object of a message, as a newer version would; mappings of labels keep their keys."""
    if isinstance(value, list | tuple):
        return [newer(one) for one in value]
    if not isinstance(value, dict):
        return value
    added = {} if value and all(isinstance(one, float) for one in value.values()) else {"of_a_newer_version": [1]}
    return {**{key: newer(one) for key, one in value.items()}, **added}


@pytest.mark.parametrize(
    ("content", "read", "expected"),
    [
        pytest.param(two_faces().model_dump_json(), Result.read, two_faces(), id="a stored result"),
        pytest.param(FrameInfo(time_s=1.0).model_dump_json(), FrameInfo.read, FrameInfo(time_s=1.0), id="a live frame"),
        pytest.param(
            REPLIES.dump_json([Reply(seq=1, faces=(FACE,))]),
            read_replies,
            [Reply(seq=1, faces=(FACE,))],
            id="replies of a worker",
        ),
        pytest.param(RESULT.model_dump_json(), read_message, RESULT, id="a message of the service"),
    ],
)
def test_fields_of_a_newer_version_are_ignored(
    content: str | bytes, read: Callable[[str], object], expected: object
) -> None:
    """What a newer version wrote reads as without its new fields, wherever they are."""
    assert read(json.dumps(newer(json.loads(content)))) == expected


def test_job_records_of_a_newer_version_are_read() -> None:
    """Progress and deliveries of a record may have new fields, and its hash may, too."""
    record = JobRecord("a" * 32, JobStatus.RUNNING, datetime.now(UTC), work=WORK, deliveries=(DELIVERY,))
    values = record.to_hash() | {"of_a_newer_version": "1"}
    values |= {name: json.dumps(newer(json.loads(values[name]))) for name in ("work", "deliveries")}
    assert JobRecord.from_hash(record.job_id, values) == record


def test_input_of_users_stays_strict() -> None:
    """An unknown field in a message of a client is an error."""
    with pytest.raises(ValidationError, match="rate"):
        CLIENT_MESSAGES.validate_json('{"type": "session.configure", "rate": 5}')


STRICT = {
    "services/api/live/socket_session.py",
    "shared/config/api_keys.py",
    "shared/workbench/edits/file.py",
    "shared/jobs/edits.py",
    "shared/model/folder.py",
    "shared/model/movement_folder.py",
    "shared/schemas/base.py",
}
"""Files that parse input of users: keys, manifests of models, edits, messages of clients; the stored edits, which are
written back as a whole, so that an ignored field would be lost; and the definition of `read`."""


def test_what_the_service_wrote_is_read_leniently() -> None:
    """JSON is parsed by a function that ignores new fields, except input of users."""
    strict = re.compile(r"validate_json\((?!.*extra=\"ignore\")")
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in ("services", "shared", "duygu/client")
        for path in (ROOT / folder).rglob("*.py")
        if strict.search(path.read_text(encoding="utf-8"))
    }
    assert found <= STRICT
