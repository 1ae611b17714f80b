"""Sessions in Redis: one step at a time, the newest frames kept, no effect of an outdated claim."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from duygu.shared.live import worker_store
from duygu.shared.live.api_store import COUNTED_S, OPEN, Offer, SessionStore, open_key, replies_key
from duygu.shared.live.worker_store import Claim, SessionLeases

MOST_WAITING = 2

Store = Callable[[Callable[[SessionStore], Awaitable[object]]], object]


@pytest.fixture
def leases(redis: Redis) -> SessionLeases:
    """The worker's side."""
    return SessionLeases(redis)


@pytest.fixture
def with_store(valkey_url: str, redis: Redis) -> Store:
    """Runs a function of the API's side."""

    def run(work: Callable[[SessionStore], Awaitable[object]]) -> object:
        async def connected() -> object:
            async with AsyncRedis.from_url(valkey_url) as connection:
                return await work(SessionStore(connection, "api"))

        return asyncio.run(connected())

    return run


@pytest.fixture
def offer(with_store: Store) -> Callable[[int], Offer]:
    """Opens the session "one" and offers frames of it."""
    assert with_store(lambda store: store.open("one", "", 10, 10))

    def offer_frame(seq: int) -> Offer:
        offered = with_store(lambda store: store.offer("one", seq, "{}", b"picture", MOST_WAITING))
        assert isinstance(offered, Offer)
        return offered

    return offer_frame


def claimed(leases: SessionLeases, known: int = -1) -> Claim:
    """Claim the session that is ready."""
    session_id = leases.next_ready(0.1)
    assert session_id == "one"
    claim = leases.claim(session_id, known)
    assert claim
    return claim


def test_the_newest_frames_wait(leases: SessionLeases, offer: Callable[[int], Offer]) -> None:
    """An offer above the limit drops the oldest frame and returns its seq."""
    assert [offer(seq).dropped for seq in (1, 2, 3)] == [(), (), (1,)]
    assert [frame.seq for frame in claimed(leases).frames] == [2, 3]


def test_frames_of_a_claimed_step_are_not_dropped(leases: SessionLeases, offer: Callable[[int], Offer]) -> None:
    """Frames that arrive during a step do not displace those of the step and are processed by the next one."""
    offer(1), offer(2)
    claim = claimed(leases)
    assert [offer(seq).dropped for seq in (3, 4, 5)] == [(), (), (3,)]
    assert leases.next_ready(0.05) is None
    assert leases.commit(claim, b"state", "[]")
    following = claimed(leases, claim.number)
    assert ([frame.seq for frame in following.frames], following.state) == ([4, 5], None)


def test_a_session_has_one_step_at_a_time(leases: SessionLeases, offer: Callable[[int], Offer]) -> None:
    """A claimed session cannot be claimed by another worker."""
    offer(1)
    claimed(leases)
    assert leases.claim("one", -1) is None


def test_an_old_claim_changes_nothing(
    leases: SessionLeases, offer: Callable[[int], Offer], monkeypatch: pytest.MonkeyPatch, redis: Redis
) -> None:
    """After a lease expires, the late commit is refused, the next worker's commit counts, and no frame is lost."""
    monkeypatch.setattr(worker_store, "LEASE_S", 0)
    offer(1)
    late, following = claimed(leases), leases.claim("one", -1)
    assert following
    assert (following.attempts, [frame.seq for frame in following.frames]) == (2, [1])
    assert not leases.commit(late, b"old", "[]")
    assert leases.commit(following, b"new", "[]")
    assert redis.get("duygu:live:session:one:state") == b"new"
    assert redis.xlen(replies_key("api")) == 1


def test_a_renewed_lease_holds_from_then_on(
    leases: SessionLeases, offer: Callable[[int], Offer], monkeypatch: pytest.MonkeyPatch, redis: Redis
) -> None:
    """A renewed lease holds until the commit or the next claim; after that it cannot be renewed."""
    monkeypatch.setattr(worker_store, "LEASE_S", 0.2)
    offer(1)
    claim = claimed(leases)
    monkeypatch.setattr(worker_store, "LEASE_S", 60)
    assert leases.renew(claim)
    time.sleep(0.3)
    assert leases.claim("one", -1) is None
    assert leases.commit(claim, b"state", "[]")
    assert not leases.renew(claim)
    assert redis.hget("duygu:live:session:one", "lease") == b"0"
    offer(2)
    following = leases.claim("one", -1)
    assert following
    assert leases.renew(following)
    assert not leases.renew(claim)


def test_a_state_is_sent_only_to_a_worker_without_it(leases: SessionLeases, offer: Callable[[int], Offer]) -> None:
    """A claim by a worker without the current state includes the state."""
    offer(1)
    first = claimed(leases)
    leases.commit(first, b"state", "[]")
    offer(2)
    second = claimed(leases, known=-1)
    assert second.state == b"state"


def test_at_most_one_drain_loop_waits(leases: SessionLeases, offer: Callable[[int], Offer]) -> None:
    """Only the first frame requests a drain; the next request follows once that drain has begun."""
    assert offer(1).needs_drain
    assert not offer(2).needs_drain
    leases.begin_drain()
    claimed(leases)
    assert not offer(3).needs_drain


def test_sessions_are_limited_and_closing_makes_room(with_store: Store) -> None:
    """Open sessions are limited in total and per owner, and closing one makes room."""
    assert with_store(lambda store: store.open("one", "ann", 2, 1))
    assert not with_store(lambda store: store.open("two", "ann", 2, 1))
    assert with_store(lambda store: store.open("two", "bob", 2, 1))
    assert not with_store(lambda store: store.open("three", "eve", 2, 1))
    with_store(lambda store: store.close("one", "ann"))
    assert with_store(lambda store: store.open("three", "eve", 2, 1))


def test_confirmed_sessions_count_for_as_long_as_they_are_open(with_store: Store, redis: Redis) -> None:
    """Confirming open sessions extends the keys that count them, in total and per owner."""
    assert with_store(lambda store: store.open("one", "ann", 2, 1))
    assert with_store(lambda store: store.open("two", "bob", 2, 1))
    counted = [OPEN, open_key("ann"), open_key("bob")]
    for key in counted:
        redis.expire(key, 5)
    with_store(lambda store: store.confirm({"one": "ann", "two": "bob"}))
    assert [redis.ttl(key) for key in counted] == pytest.approx([COUNTED_S] * 3, abs=5)


def test_a_deleted_session_accepts_no_frame(with_store: Store) -> None:
    """A session that Redis has lost accepts no frame."""
    assert with_store(lambda store: store.offer("gone", 1, "{}", b"", 4)) is None
