"""Several sessions at once: a worker commits steps and takes sessions in one round trip to Redis."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from duygu.shared.live import worker_store
from duygu.shared.live.api_store import READY, SessionStore
from duygu.shared.live.worker_store import MOST_TAKEN, Claim, CompletedStep, SessionLeases
from tests.support.counting_redis import CountingRedis

Offer = Callable[..., None]


@pytest.fixture
def counting(valkey_url: str, redis: Redis) -> Iterator[CountingRedis]:
    """A connection that counts its round trips."""
    with closing(CountingRedis.connected(valkey_url)) as connection:
        yield connection


@pytest.fixture
def leases(counting: CountingRedis) -> SessionLeases:
    """The worker's side."""
    return SessionLeases(counting)


@pytest.fixture
def offer(valkey_url: str, redis: Redis) -> Offer:
    """Offers one frame of each of these sessions, which it opens."""

    def run(seq: int, *session_ids: str) -> None:
        async def connected() -> None:
            async with AsyncRedis.from_url(valkey_url) as connection:
                store = SessionStore(connection, "api")
                for session_id in session_ids:
                    if not redis.exists(f"duygu:live:session:{session_id}"):
                        await store.open(session_id, "", 100, 100)
                    await store.offer(session_id, seq, "{}", b"picture", 3)

        asyncio.run(connected())

    return run


def steps(claims: list[Claim]) -> list[CompletedStep]:
    """The completed steps of these claims."""
    return [CompletedStep(claim, b"state of " + claim.session_id.encode(), "[]") for claim in claims]


def names(claims: list[Claim]) -> list[str]:
    """The sessions of claims."""
    return [claim.session_id for claim in claims]


def warmed(leases: SessionLeases, count: int) -> dict[str, int]:
    """Take and commit the first step of this number of sessions: their claim numbers."""
    known: dict[str, int] = {}
    for _ in range(count):
        claims = leases.exchange([], known).claims
        assert leases.exchange(steps(claims), None).committed == [True]
        known |= {claim.session_id: claim.number for claim in claims}
    return known


def test_steps_of_several_sessions_take_one_round_trip(
    leases: SessionLeases, counting: CountingRedis, offer: Offer
) -> None:
    """MOST_TAKEN sessions are taken at once, and committed together with the taking of the next ones."""
    sessions = [f"s{number}" for number in range(2 * MOST_TAKEN)]
    offer(1, *sessions)
    known = warmed(leases, len(sessions))
    offer(2, *sessions)
    before = len(counting.calls)
    first = leases.exchange([], known)
    second = leases.exchange(steps(first.claims), known)
    last = leases.exchange(steps(second.claims), known)
    assert counting.calls[before:] == ["pipeline"] * 3
    assert names(first.claims) + names(second.claims) == sessions  # the oldest first
    assert [claim.state for claim in first.claims] == [None] * MOST_TAKEN
    assert last.committed == [True] * MOST_TAKEN
    assert last.claims == []


def test_a_session_whose_frames_came_meanwhile_is_taken_again(leases: SessionLeases, offer: Offer) -> None:
    """A commit and the taking of the same session in one round trip need no state."""
    offer(1, "one")
    claims = leases.exchange([], {}).claims
    offer(2, "one")
    (following,) = leases.exchange(steps(claims), {}).claims
    assert ([frame.seq for frame in following.frames], following.state) == ([2], None)


def test_a_worker_leaves_the_sessions_of_others_but_not_the_oldest(leases: SessionLeases, offer: Offer) -> None:
    """A worker takes the session that has waited for longest, and beyond it those whose state it has."""
    offer(1, "a", "b", "c", "d")
    known = warmed(leases, 4)
    offer(2, "a", "b", "c", "d")
    own = {name: known[name] for name in ("b", "d")}
    claims = leases.exchange([], own).claims
    assert names(claims) == ["a", "b", "d"]
    assert [claim.state for claim in claims] == [b"state of a", None, None]
    assert names(leases.exchange([], {}).claims) == ["c"]


def test_a_step_that_ended_its_worker_is_taken_alone(
    leases: SessionLeases, offer: Offer, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session whose last step was not committed costs no other session an attempt, wherever it is in the list."""
    offer(1, "a", "b", "c")
    known = warmed(leases, 3)
    monkeypatch.setattr(worker_store, "LEASE_S", 0)
    offer(2, "b")
    assert names(leases.exchange([], known).claims) == ["b"]  # and the worker ends
    offer(3, "a", "b", "c")
    assert redis.lrange(READY, 0, -1) == [b"a", b"b", b"c"]
    assert names(leases.exchange([], known).claims) == ["a", "c"]
    (again,) = leases.exchange([], known).claims
    assert (again.session_id, again.attempts) == ("b", 2)


def test_an_outdated_step_does_not_hinder_the_others(
    leases: SessionLeases, offer: Offer, monkeypatch: pytest.MonkeyPatch, redis: Redis
) -> None:
    """Of steps that are committed together, one under an old claim is refused, and the worker gets the new state."""
    offer(1, "a", "b")
    known = warmed(leases, 2)
    offer(2, "a", "b")
    monkeypatch.setattr(worker_store, "LEASE_S", 0)
    claims = leases.exchange([], known).claims
    other = leases.claim("a", -1)
    assert other
    assert leases.commit(other, b"newer", "[]")
    offer(3, "a")
    outcome = leases.exchange(steps(claims), known)
    assert outcome.committed == [False, True]
    (following,) = outcome.claims
    assert (following.session_id, following.state) == ("a", b"newer")


def test_scripts_that_redis_forgot_are_sent_again(leases: SessionLeases, offer: Offer, redis: Redis) -> None:
    """After a restart of Redis without its scripts, an exchange commits and takes as before."""
    offer(1, "a")
    claims = leases.exchange([], {}).claims
    redis.script_flush()
    offer(2, "a")
    redis.script_flush()
    outcome = leases.exchange(steps(claims), {})
    assert (outcome.committed, names(outcome.claims)) == ([True], ["a"])


def test_closed_sessions_are_passed_over(leases: SessionLeases, offer: Offer, redis: Redis) -> None:
    """A closed session leaves the ready list without a claim."""
    offer(1, "a", "b")
    redis.delete("duygu:live:session:a")
    taken = [*leases.exchange([], {}).claims, *leases.exchange([], {}).claims]
    assert names(taken) == ["b"]
    assert redis.llen(READY) == 0
