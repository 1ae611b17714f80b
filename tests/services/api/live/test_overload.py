"""Overload of the live workers: all sessions get the same lower rate, replies say so, and the rate is withdrawn."""

import asyncio
import time
from itertools import pairwise

import cv2
import numpy as np
import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from duygu.services.api.live.hub import Hub
from duygu.services.api.live.overload import HOLD_CHECKS, LEAST_HZ, ONSET_CHECKS, Load, OverloadControl
from duygu.services.api.live.session import Session
from duygu.shared.config.api_keys import ANONYMOUS
from duygu.shared.config.settings import Settings
from duygu.shared.jobs.heartbeat import send_heartbeat
from duygu.shared.jobs.queues import QueueName
from duygu.shared.live.api_store import OVERLOAD, SessionStore
from duygu.shared.live.messages import FrameDropped, FrameResult, SessionLimits, read_message
from duygu.shared.live.steps import Reply

JPEG = bytes(cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))[1])

LIMITS = SessionLimits(max_frame_bytes=100_000, max_pixels=64 * 48, max_waiting=3, idle_timeout_s=60)

CAMERA_HZ = 10


class Workers:
    """Sessions of CAMERA_HZ whose workers achieve a number of results per second, one check after the other."""

    def __init__(self, sessions: int, capacity_hz: float) -> None:
        self.sessions, self.capacity_hz = sessions, capacity_hz
        self.control = OverloadControl()

    def check(self, sessions: int | None = None) -> float | None:
        """Let one second pass; returns the rate from then on."""
        count = self.sessions if sessions is None else sessions
        offered = min(CAMERA_HZ, self.control.rate_hz or CAMERA_HZ)
        processed = min(offered, self.capacity_hz / count)
        load = Load(CAMERA_HZ, round(offered * 100), round(processed * 100), round((offered - processed) * 100))
        self.control.update([load] * count, 1.0)
        return self.control.rate_hz


def test_the_rate_approaches_what_the_workers_achieve() -> None:
    """With half of the capacity that the sessions need, the rate comes close to half of theirs and stays there."""
    workers = Workers(30, 150.0)
    rates = [workers.check() for _ in range(60)]
    assert rates[ONSET_CHECKS - 2] is None
    settled = [rate for rate in rates[10:] if rate is not None]
    assert len(settled) == len(rates[10:])
    assert min(settled) > 5 * 0.85
    assert sum(rate > 5 for rate in settled) < len(settled) / 3  # most of the time, no frame is displaced


def test_the_rate_is_withdrawn_when_sessions_have_ended() -> None:
    """Once the workers can serve all sessions, the rate rises, never jumps, and ends."""
    workers = Workers(30, 150.0)
    before = [workers.check() for _ in range(20)][-1]
    after = [workers.check(10) for _ in range(60)]
    assert before is not None
    assert after[0] is not None
    assert after[-1] is None
    rising = [rate for rate in (before, *after) if rate is not None]
    assert all(one <= other <= one * 1.11 for one, other in pairwise(rising))


def test_frames_of_the_earlier_rate_cause_no_second_cut() -> None:
    """Frames that are displaced in the second after a cut were sent before it, and lower the rate no further."""
    control = OverloadControl()
    overloaded = [Load(10, 10, 5, 5)] * 2
    for _ in range(ONSET_CHECKS):
        control.update(overloaded, 1.0)
    rate_hz = control.rate_hz
    control.update(overloaded, 1.0)
    assert control.rate_hz == rate_hz
    assert rate_hz is not None
    control.update(overloaded, 1.0)
    assert control.rate_hz is not None
    assert control.rate_hz < rate_hz


def test_a_moment_without_capacity_is_no_overload() -> None:
    """Displaced frames of one second set no rate, and neither does a service whose workers reply to nothing at all."""
    control = OverloadControl()
    for load in (Load(10, 10, 5, 5), Load(10, 10, 10, 0), Load(10, 10, 5, 5), Load(10, 10, 10, 0)):
        control.update([load, load], 1.0)
    for _ in range(10):
        control.update([Load(10, 10, 0, 10)] * 2, 1.0)
    assert control.rate_hz is None


def test_a_single_session_overloads_nobody_else() -> None:
    """A session that sends more than the workers can analyse loses its own frames, and sets no rate for the others."""
    control = OverloadControl()
    for _ in range(10):
        control.update([Load(500, 500, 60, 440), *[Load(10, 10, 10, 0)] * 9], 1.0)
    assert control.rate_hz is None


def test_the_rate_has_a_minimum() -> None:
    """However overloaded the workers are, a session gets LEAST_HZ."""
    control = OverloadControl()
    for _ in range(20):
        control.update([Load(10, 10, 1, 9)] * 500, 1.0)
    assert control.rate_hz == LEAST_HZ
    for _ in range(HOLD_CHECKS):
        control.update([], 1.0)
    assert control.rate_hz == LEAST_HZ


def test_frames_above_the_rate_are_dropped_evenly_and_replies_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a camera of 10 Hz every second frame is dropped at 5 Hz, whatever its capture times claim."""
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    session = Session("one", "", LIMITS)
    session.overload_rate_hz = 5.04
    accepted = []
    for number in range(20):
        now = 100 + number / CAMERA_HZ
        if taken := session.receive(JPEG):
            accepted.append(number)
            session.handle_reply(Reply(seq=taken.seq))
    replies = session.outgoing()
    assert accepted == list(range(0, 20, 2))
    assert [type(reply) for reply in replies] == [FrameResult, FrameDropped] * 10
    for reply in replies:
        assert isinstance(reply, FrameResult | FrameDropped)
        assert reply.overload_rate_hz == 5.0
    assert session.overload_drops == 10
    load = session.take_load()
    assert (load.received, load.offered, load.processed, load.displaced) == (20, 10, 10, 0)
    session.overload_rate_hz = None
    now += 0.001
    assert session.receive(JPEG)


@pytest.mark.parametrize("rate_hz", [1.0, 3.0, 6.0, 7.5, 9.9])
def test_a_session_gets_the_whole_rate(rate_hz: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """On average, a camera of 10 Hz gets the rate also where it is no divisor of its own."""
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    session = Session("one", "", LIMITS)
    session.overload_rate_hz = rate_hz
    accepted = 0
    for number in range(300):
        now = 100 + number / CAMERA_HZ
        if taken := session.receive(JPEG):
            accepted += 1
            session.handle_reply(Reply(seq=taken.seq))
        session.outgoing()
    assert accepted / 30 == pytest.approx(rate_hz, rel=0.06)


def test_displaced_frames_count_once() -> None:
    """Frames that newer ones displaced and frames that a worker skipped are the load that the workers did not bear."""
    session = Session("one", "", LIMITS)
    for _ in range(3):
        time.sleep(0.001)
        assert session.receive(JPEG)
    session.drop(1)
    session.drop(1)
    session.handle_reply(Reply(seq=2, skipped=True))
    session.handle_reply(Reply(seq=3))
    assert session.take_load() == Load(3, 3, 1, 2)
    assert session.take_load() == Load()


def test_replies_of_an_older_service_have_no_rate() -> None:
    """A message without the field is read as one without overload."""
    message = read_message('{"type": "dropped", "seq": 2, "frame": 2, "reason": "newer"}')
    assert isinstance(message, FrameDropped)
    assert message.overload_rate_hz is None


def test_all_api_processes_have_the_lowest_rate(valkey_url: str) -> None:
    """A process without overload limits its sessions to the rate of another one, until that one withdraws it."""

    async def rates() -> list[float | None]:
        async with AsyncRedis.from_url(valkey_url) as connection:
            one, two = SessionStore(connection, "one"), SessionStore(connection, "two")
            steps = [(one, None), (one, 5.0), (two, None), (two, 6.0), (two, 4.0), (one, 5.0), (two, 7.0), (one, 5.0)]
            steps += [(two, 7.0), (one, None), (two, 7.0), (one, None), (two, None), (one, None)]
            return [await store.share_rate(rate) for store, rate in steps]

    assert asyncio.run(rates()) == [None, 5, 5, 5, 4, 4, 7, 5, 5, None, 7, 7, None, None]


def test_the_hub_limits_every_session_and_withdraws_the_limit(
    settings: Settings, valkey_url: str, redis: Redis
) -> None:
    """Open sessions and new ones get one rate while workers are overloaded, and none once they are not."""
    send_heartbeat(redis, QueueName.LIVE, "worker")
    hub = Hub(settings.model_copy(update={"redis_url": valkey_url}))

    def overloaded(session: Session) -> None:
        accepted = [taken for _ in range(10) if (taken := session.receive(JPEG))]
        for taken in accepted[:-1]:
            session.drop(taken.seq)
        for taken in accepted[-1:]:
            session.handle_reply(Reply(seq=taken.seq))
        session.outgoing()

    async def checks() -> list[list[float | None]]:
        sessions = [await hub.begin(ANONYMOUS) for _ in range(2)]
        rates: list[list[float | None]] = []
        for _ in range(2):
            for session in sessions:
                overloaded(session)
            await hub._control_load(1.0)
            rates.append([hub.overload_rate_hz, *(session.overload_rate_hz for session in sessions)])
        sessions.append(await hub.begin(ANONYMOUS))
        rates.append([session.overload_rate_hz for session in sessions])
        for _ in range(60):
            await hub._control_load(1.0)
        rates.append([hub.overload_rate_hz, *(session.overload_rate_hz for session in sessions)])
        for session in sessions:
            await hub.end(session)
        await hub._live_redis.aclose()
        hub._jobs_redis.close()
        return rates

    first, second, joined, last = asyncio.run(checks())
    assert first == [None] * 3
    assert second[0] is not None
    assert second == [second[0]] * 3
    assert joined == [second[0]] * 3
    assert last == [None] * 4
    assert not redis.exists(OVERLOAD)
