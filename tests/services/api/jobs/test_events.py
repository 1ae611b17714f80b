"""Server-sent events of a job."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import httpx

from tests.services.conftest import StartWorker, ended, job, running, submit
from tests.support.workers.scripted_worker import Script


@dataclass(frozen=True)
class Heard:
    """One event as it came over the wire."""

    number: int
    name: str
    data: dict[str, Any]


def listen(api: httpx.Client, job_id: str, after: int | str | None = None) -> Iterator[Heard]:
    """The events of a job, as they come."""
    headers = {"Last-Event-ID": str(after)} if after is not None else {}
    with api.stream("GET", f"/v1/jobs/{job_id}/events", headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/event-stream")
        fields: dict[str, str] = {}
        for line in response.iter_lines():
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "event" in fields:
                yield Heard(int(fields.get("id", 0)), fields["event"], json.loads(fields["data"]))
                fields = {}


def test_events_are_in_order(api: httpx.Client, start_scripted_worker: StartWorker) -> None:
    """Events are consecutive from queued to succeeded, with windows in between and limited, increasing progress."""
    job_id = submit(api, Script(duration_s=2.0).upload())["job_id"]
    start_scripted_worker()
    heard = list(listen(api, job_id))
    assert [event.number for event in heard] == list(range(1, len(heard) + 1))
    names = [event.name for event in heard]
    assert (names[:2], names[-1]) == (["queued", "started"], "succeeded")
    assert names.count("window") == 4
    assert names.index("window") < len(names) / 2
    assert 4 <= names.count("progress") <= 4 * 2.0 + 4
    shares = [event.data["progress"] for event in heard if event.name == "progress"]
    assert all(before < after for before, after in pairwise(shares))
    window = next(event.data for event in heard if event.name == "window")
    assert (window["face_id"], window["emotion"], window["end_s"]) == (1, "neutral", 0.5)


def test_events_replay_from_where_the_listener_was(api: httpx.Client, start_scripted_worker: StartWorker) -> None:
    """A reconnecting client gets the missed events once, a complete one gets 204, and a new one gets all events."""
    start_scripted_worker()
    job_id = submit(api, Script(duration_s=0.8).upload())["job_id"]
    ended(api, job_id)
    heard = list(listen(api, job_id))
    assert list(listen(api, job_id, after=3)) == heard[3:]
    assert list(listen(api, job_id, after="")) == heard
    response = api.get(f"/v1/jobs/{job_id}/events", headers={"Last-Event-ID": str(len(heard))})
    assert response.status_code == 204


def test_a_waiting_job_hears_of_its_place(api: httpx.Client) -> None:
    """The number of jobs before it comes at first and when it changes; it is not part of the numbered events."""
    first, second = (submit(api, Script().upload())["job_id"] for _ in range(2))
    events = listen(api, second)
    assert [next(events).name for _ in range(2)] == ["queued", "ahead"]
    api.delete(f"/v1/jobs/{first}")
    assert next(events) == Heard(0, "ahead", {"ahead": 0})
    api.delete(f"/v1/jobs/{second}")
    assert next(events).name == "cancelled"


def test_erasing_a_job_ends_its_event_streams(api: httpx.Client, start_scripted_worker: StartWorker) -> None:
    """The last event of an erased job is `cancelled`, whether it was queued or running."""
    waiting = submit(api, Script().upload())["job_id"]
    events = listen(api, waiting)
    assert next(events).name == "queued"
    api.delete(f"/v1/jobs/{waiting}")
    assert [event.name for event in events] == ["cancelled"]

    start_scripted_worker()
    job_id = submit(api, Script(duration_s=30.0).upload())["job_id"]
    running(api, job_id)
    events = listen(api, job_id, after=2)
    next(events)
    api.delete(f"/v1/jobs/{job_id}")
    assert [event.name for event in events][-1] == "cancelled"


def test_a_crash_repeats_no_event(api: httpx.Client, start_scripted_worker: StartWorker) -> None:
    """A repeated job sends each window once, starts once, ends once, and its progress never decreases."""
    job_id = submit(api, Script(duration_s=2.0, deaths=1).upload())["job_id"]
    start_scripted_worker().wait()
    start_scripted_worker()
    heard = list(listen(api, job_id))
    assert [event.number for event in heard] == list(range(1, len(heard) + 1))
    names = [event.name for event in heard]
    assert [names.count(name) for name in ("queued", "started", "succeeded")] == [1, 1, 1]
    ends = [event.data["end_s"] for event in heard if event.name == "window"]
    assert ends == [0.5, 1.0, 1.5, 2.0]
    shares = [event.data["progress"] for event in heard if event.name == "progress"]
    assert shares == sorted(shares)


def test_strange_ids_and_unknown_jobs(api: httpx.Client) -> None:
    """An unknown job or an invalid `Last-Event-ID` gives a problem."""
    job_id = submit(api, Script().upload())["job_id"]
    response = api.get(f"/v1/jobs/{job_id}/events", headers={"Last-Event-ID": "x"})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
    assert api.get(f"/v1/jobs/{'0' * 32}/events").json()["code"] == "job_not_found"


def test_a_job_contains_its_progress(api: httpx.Client, start_scripted_worker: StartWorker) -> None:
    """A running job reports frames, speed and time left, and its ETag changes; at the end no time is left."""
    job_id = submit(api, Script(duration_s=3.0).upload())["job_id"]
    assert job(api, job_id)["work"] is None
    path = f"/v1/jobs/{job_id}"
    waiting = api.get(path).headers["ETag"]
    assert api.get(path, headers={"If-None-Match": waiting}).status_code == 304
    assert api.get(path, headers={"If-None-Match": f'"other", W/{waiting}'}).status_code == 304
    start_scripted_worker()
    work = running(api, job_id)["work"]
    assert work["frames_analysed"] > 0
    assert 0.2 < work["speed"] <= 1.2
    assert 0 < work["time_left_s"] < 15
    changed = api.get(path, headers={"If-None-Match": waiting})
    assert (changed.status_code, changed.json()["job_id"]) == (200, job_id)
    assert changed.headers["ETag"] != waiting
    assert api.head(f"{path}/events").headers["Content-Type"].startswith("text/event-stream")
    done = ended(api, job_id)["work"]
    assert (done["time_s"], done["duration_s"], done["time_left_s"], done["frames_analysed"]) == (3.0, 3.0, 0.0, 60)
