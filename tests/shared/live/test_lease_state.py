"""The state machine of a session lease: every transition from every state, run against Redis."""

import asyncio
from collections.abc import Callable

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from duygu.shared.live.api_store import DRAIN_QUEUED, READY, Offer, SessionStore, session_keys
from duygu.shared.live.lease_state import ALLOWED, LEASE_STATE, NOW, LeaseState, Transition
from duygu.shared.live.worker_store import Claim, SessionLeases

SESSION = "one"
HASH = session_keys(SESSION)[0]

CLOSED, IDLE, READY_, LEASED, EXPIRED, REQUEUED = LeaseState

NEXT = {
    (Transition.OFFER, IDLE): READY_,
    (Transition.OFFER, READY_): READY_,
    (Transition.OFFER, LEASED): LEASED,
    (Transition.OFFER, EXPIRED): REQUEUED,
    (Transition.OFFER, REQUEUED): REQUEUED,
    (Transition.NUDGE, IDLE): IDLE,
    (Transition.NUDGE, READY_): READY_,
    (Transition.NUDGE, LEASED): LEASED,
    (Transition.NUDGE, EXPIRED): REQUEUED,
    (Transition.NUDGE, REQUEUED): REQUEUED,
    (Transition.CLAIM, IDLE): LEASED,
    (Transition.CLAIM, READY_): LEASED,
    (Transition.CLAIM, EXPIRED): LEASED,
    (Transition.CLAIM, REQUEUED): LEASED,
    (Transition.RENEW, LEASED): LEASED,
    (Transition.RENEW, EXPIRED): LEASED,
    (Transition.RENEW, REQUEUED): LEASED,
    (Transition.COMMIT, IDLE): IDLE,
    (Transition.COMMIT, READY_): READY_,
    (Transition.COMMIT, LEASED): IDLE,
    (Transition.COMMIT, EXPIRED): IDLE,
    (Transition.COMMIT, REQUEUED): READY_,
}
"""The state after each allowed transition, where no frame has arrived since the claim."""


class Session:
    """Both sides of one session, driven step by step."""

    def __init__(self, redis: Redis, url: str) -> None:
        self.redis, self.url = redis, url
        self.leases = SessionLeases(redis)
        self.claim: Claim | None = None
        self.seq = 0

    def state(self) -> LeaseState:
        """Return the state that the Lua function of the scripts derives."""
        return LeaseState(self.redis.eval(f"{NOW}{LEASE_STATE} return lease_state(KEYS[1], now)", 1, HASH).decode())

    def on_api(self, work: Callable[[SessionStore], object]) -> object:
        """Run a function of the API's side."""

        async def connected() -> object:
            async with AsyncRedis.from_url(self.url) as redis:
                return await work(SessionStore(redis, "api"))  # type: ignore[misc]

        return asyncio.run(connected())

    def reach(self, state: LeaseState) -> None:
        """Bring a new session into a state by transitions."""
        if state is CLOSED:
            self.claim = Claim(SESSION, 1, 1, b"replies", None, (), None)
            return
        self.on_api(lambda store: store.open(SESSION, "", 10, 10))
        self.do(Transition.OFFER)
        self.do(Transition.CLAIM)
        if state in (IDLE, READY_):
            self.do(Transition.COMMIT)
        if state is READY_:
            self.do(Transition.OFFER)
        if state in (EXPIRED, REQUEUED):
            self.expire()
        if state is REQUEUED:
            self.do(Transition.NUDGE)

    def expire(self) -> None:
        """Let the lease expire, as if LEASE_S had passed."""
        self.redis.hset(HASH, "lease", 1)

    def do(self, transition: Transition) -> bool:
        """Try a transition and return whether it was accepted."""
        if transition is Transition.CLAIM:
            self.redis.lrem(READY, 1, SESSION)  # a worker claims what it has taken from the ready list
            claim = self.leases.claim(SESSION, -1)
            self.claim = claim or self.claim
            return claim is not None
        if transition in (Transition.OFFER, Transition.NUDGE):
            self.seq += transition is Transition.OFFER
            seq = self.seq if transition is Transition.OFFER else 0
            return isinstance(self.on_api(lambda store: store.offer(SESSION, seq, "{}", b"picture", 9)), Offer)
        assert self.claim
        if transition is Transition.RENEW:
            return self.leases.renew(self.claim)
        return self.leases.commit(self.claim, b"state", "[]")


@pytest.fixture
def session(redis: Redis, valkey_url: str) -> Session:
    """A session that does not exist yet."""
    return Session(redis, valkey_url)


@pytest.mark.parametrize("state", LeaseState)
@pytest.mark.parametrize("transition", Transition)
def test_every_transition_from_every_state(session: Session, transition: Transition, state: LeaseState) -> None:
    """A transition is accepted exactly in the states of its guard, and leads to the documented state."""
    session.reach(state)
    assert session.state() is state
    assert session.do(transition) is (state in ALLOWED[transition])
    assert session.state() is NEXT.get((transition, state), state)


def test_the_guards_and_the_documented_transitions_agree() -> None:
    """Every transition that a guard allows has a documented target, and no other has."""
    assert set(NEXT) == {(transition, state) for transition, states in ALLOWED.items() for state in states}


@pytest.mark.parametrize("state", [IDLE, READY_, EXPIRED, REQUEUED])
def test_an_outdated_claim_can_neither_renew_nor_commit(session: Session, state: LeaseState) -> None:
    """Once another worker has claimed the session, the first claim can neither renew nor commit."""
    session.reach(state)
    outdated = session.claim
    assert session.do(Transition.CLAIM)
    session.claim = outdated
    assert not session.do(Transition.RENEW)
    assert not session.do(Transition.COMMIT)
    assert session.state() is LEASED


def test_a_frame_during_a_step_makes_the_session_ready_at_the_commit(session: Session) -> None:
    """A frame that arrives during a step makes the session ready at the commit."""
    session.reach(LEASED)
    session.do(Transition.OFFER)
    assert session.state() is LEASED
    assert session.do(Transition.COMMIT)
    assert session.state() is READY_


@pytest.mark.parametrize("state", [READY_, REQUEUED])
def test_a_session_is_in_the_ready_list_at_most_once(session: Session, redis: Redis, state: LeaseState) -> None:
    """Offers and nudges of a session that is ready leave one entry in the ready list."""
    session.reach(state)
    for transition in (Transition.OFFER, Transition.NUDGE, Transition.OFFER):
        session.do(transition)
    assert redis.lrange(READY, 0, -1) == [SESSION.encode()]


@pytest.mark.parametrize("state", [READY_, REQUEUED])
def test_a_nudge_keeps_the_place_of_a_session(session: Session, redis: Redis, state: LeaseState) -> None:
    """A nudged session stays ahead of those that became ready later, so that no session waits without end."""
    session.reach(state)
    redis.rpush(READY, "later")
    session.do(Transition.NUDGE)
    assert redis.lrange(READY, 0, -1) == [SESSION.encode(), b"later"]


def test_a_nudge_restores_a_lost_entry_of_the_ready_list(session: Session, redis: Redis) -> None:
    """A nudge restores the entry of the ready list that a worker lost by dying before its claim."""
    session.reach(READY_)
    redis.delete(READY, DRAIN_QUEUED)
    assert session.do(Transition.NUDGE)
    assert redis.lrange(READY, 0, -1) == [SESSION.encode()]
    assert redis.exists(DRAIN_QUEUED)
