"""The worker's side of live sessions in Redis: claiming a session for one step, and committing the step.

docs/live-sessions-internals.md describes the protocol; the API's side is shared/live/api_store.py.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import NoScriptError, RedisError

from duygu.shared.live.api_store import DRAIN_QUEUED, KEPT_S, READY, Argument, session_keys
from duygu.shared.live.lease_state import Transition, guard

LEASE_S = 3
"""A worker that has not renewed its lease for so long is presumed dead, and another worker may claim the session."""

MOST_REPLIES = 2000
"""Most batches of replies that wait for one API process; more means that the process hangs or has ended."""

MOST_TAKEN = 4
"""Most sessions that a worker takes at once. It commits their steps together, so more would delay the first reply."""

MOST_SEARCHED = 64
"""Most entries of the ready list among which a worker looks for sessions whose state it has in memory."""

_CLAIM_ONE = (
    guard(Transition.CLAIM)
    + """
-- Claims a session that was taken from the ready list. `known`: number of the claim whose state the worker has in
-- memory, as text; `lease_ms`: the lease in milliseconds.
-- Returns {claim number, attempts, stream of replies, state, frames, last face id}; false when the claim is refused.
local function claim_one(session, frames, state_key, known, lease_ms)
  local lease = lease_state(session, now)
  if lease == 'closed' then return false end
  redis.call('HSET', session, 'ready', 0)  -- the worker has taken it from the ready list
  if not allowed[lease] then return false end
  local kept = redis.call('HMGET', session, 'claim', 'replies', 'last_face_id')
  local claim = redis.call('HINCRBY', session, 'claim', 1)
  local attempts = redis.call('HINCRBY', session, 'attempts', 1)  -- a commit resets it
  redis.call('HSET', session, 'lease', now + lease_ms)
  -- The frames stay in the stream until the commit; `held` and `taken` keep an offer from dropping them.
  local waiting = redis.call('XRANGE', frames, '-', '+')
  local taken = '0-0'
  if #waiting > 0 then taken = waiting[#waiting][1] end
  redis.call('HSET', session, 'held', #waiting, 'taken', taken)
  -- The worker that made the last commit has the state in memory and need not receive it.
  local state = ''
  if kept[1] ~= known then state = redis.call('GET', state_key) or '' end
  return {claim, attempts, kept[2], state, waiting, kept[3]}
end
"""
)

_CLAIM = (
    _CLAIM_ONE
    + """
-- KEYS: session, frames, state. ARGV: claim number whose state the worker has in memory, lease in milliseconds.
return claim_one(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2])
"""
)

_TAKE = (
    _CLAIM_ONE
    + """
-- KEYS: ready list. ARGV: lease in milliseconds, most sessions, most entries to search, prefix and suffixes of the keys
-- of a session, claim numbers whose states the worker has in memory (JSON, by session id).
-- Returns the session ids and their claims, alternately.
local known = cjson.decode(ARGV[7])
local taken = {}
for place, id in ipairs(redis.call('LRANGE', KEYS[1], 0, ARGV[3] - 1)) do
  local session = ARGV[4] .. id
  -- A step that ended its worker may do so again, and is taken alone: it must not cost other sessions their attempts.
  local failed = redis.call('HGET', session, 'attempts') ~= '0'
  -- The oldest session is taken in any case, others only if this worker has their state; the rest is left to others.
  if place == 1 or (known[id] and not failed) then
    redis.call('LREM', KEYS[1], 1, id)
    local claim = claim_one(session, session .. ARGV[5], session .. ARGV[6], tostring(known[id] or -1), ARGV[1])
    if claim then
      table.insert(taken, id)
      table.insert(taken, claim)
      if failed or #taken >= 2 * ARGV[2] then break end
    end
  end
end
return taken
"""
)

_RENEW = (
    guard(Transition.RENEW)
    + """
-- KEYS: session. ARGV: claim number, lease in milliseconds. Returns 0 for an outdated or committed claim.
if not allowed[lease_state(KEYS[1], now)] then return 0 end
if redis.call('HGET', KEYS[1], 'claim') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'lease', now + ARGV[2])
return 1
"""
)

_COMMIT = (
    guard(Transition.COMMIT)
    + """
-- KEYS: session, frames, state, ready list, stream of replies.
-- ARGV: session id, claim number, state, TTL, ids of the processed frames (JSON), most batches, replies, last face id.
-- Returns 0, and changes nothing, for an outdated claim.
local session, frames, replies = KEYS[1], KEYS[2], KEYS[5]
if not allowed[lease_state(session, now)] then return 0 end
if redis.call('HGET', session, 'claim') ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[3], ARGV[3], 'EX', ARGV[4])
local processed = cjson.decode(ARGV[5])
if #processed > 0 then redis.call('XDEL', frames, unpack(processed)) end
redis.call('XADD', replies, 'MAXLEN', '~', ARGV[6], '*', 'session', ARGV[1], 'replies', ARGV[7])
redis.call('EXPIRE', replies, ARGV[4])
redis.call('HSET', session, 'lease', 0, 'attempts', 0, 'last_face_id', ARGV[8])
-- Frames have come in meanwhile: the session is ready at once, unless it is in the list already.
if redis.call('XLEN', frames) > 0 and redis.call('HGET', session, 'ready') == '0' then
  redis.call('HSET', session, 'ready', 1)
  redis.call('RPUSH', KEYS[4], ARGV[1])
end
return 1
"""
)


@dataclass(frozen=True, slots=True)
class WaitingFrame:
    """A frame that waits for its reply."""

    seq: int
    about: bytes  # JSON, as the API wrote it
    picture: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to take one step of a session, and the input of that step."""

    session_id: str
    number: int
    attempts: int  # claims since the last commit, this one included
    replies_to: bytes  # key of the stream for the replies
    state: bytes | None  # None where the caller committed it under the previous claim
    frames: tuple[WaitingFrame, ...]
    last_face_id: int | None  # as committed with the state; None before the first commit


@dataclass(frozen=True, slots=True)
class CompletedStep:
    """A step that is ready to be committed."""

    claim: Claim
    state: bytes
    replies: str  # JSON
    last_face_id: int = 0  # stored beside the state, so that no id is reused when the state cannot be read


@dataclass(frozen=True, slots=True)
class Exchange:
    """Outcome of committing steps and taking sessions."""

    committed: list[bool]  # whether each step was committed; False for an outdated claim
    claims: list[Claim]


class SessionLeases:
    """Claims sessions, renews leases and commits steps."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._claim, self._commit = redis.register_script(_CLAIM), redis.register_script(_COMMIT)
        self._renew, self._take = redis.register_script(_RENEW), redis.register_script(_TAKE)

    def begin_drain(self) -> None:
        """Allow another drain job in the queue."""
        self._redis.delete(DRAIN_QUEUED)

    def next_ready(self, timeout_s: float) -> str | None:
        """Take a session from the ready list; None when there was none for `timeout_s`."""
        taken: Any = self._redis.blpop([READY], timeout=timeout_s)
        return taken[1].decode() if taken else None

    def claim(self, session_id: str, known: int) -> Claim | None:
        """Claim a session for one step; None when another worker holds it or it is closed.

        known  number of the claim whose committed state the caller has in memory; -1 for none
        """
        reply = self._claim([*session_keys(session_id)], [known, LEASE_S * 1000])
        return _claimed(session_id, reply, known) if reply else None

    def exchange(self, steps: Sequence[CompletedStep], known: Mapping[str, int] | None) -> Exchange:
        """Commit steps, and take sessions from the ready list, in one round trip.

        known  numbers of the claims whose committed state the caller has in memory, by session id; None takes nothing
        """
        calls = [(self._commit, *_commit_call(step)) for step in steps]
        if known is not None:
            calls.append((self._take, *_take_call({**known, **_numbers(steps)})))
        if not calls:
            return Exchange([], [])
        with self._redis.pipeline(transaction=False) as pipeline:
            for script, keys, args in calls:
                pipeline.evalsha(script.sha, len(keys), *keys, *args)
            replies: list[Any] = pipeline.execute(raise_on_error=False)
        replies = [
            script(keys, args) if isinstance(reply, NoScriptError) else reply
            for (script, keys, args), reply in zip(calls, replies, strict=True)
        ]
        if failed := next((reply for reply in replies if isinstance(reply, RedisError)), None):
            raise failed
        committed = [bool(reply) for reply in replies[: len(steps)]]
        numbers = {**(known or {}), **_numbers(steps)}
        taken = replies[-1] if known is not None else []
        ids = [session_id.decode() for session_id in taken[::2]]
        claims = [_claimed(key, reply, numbers.get(key, -1)) for key, reply in zip(ids, taken[1::2], strict=True)]
        return Exchange(committed, claims)

    def renew(self, claim: Claim) -> bool:
        """Extend the lease by LEASE_S from now; False after another worker's claim and after the commit."""
        return bool(self._renew([session_keys(claim.session_id)[0]], [claim.number, LEASE_S * 1000]))

    def commit(self, claim: Claim, state: bytes, replies: str, last_face_id: int = 0) -> bool:
        """Store the state, remove the frames of the claim and send the replies; False for an outdated claim.

        last_face_id  stored beside the state, so that no id is reused when the state cannot be read
        """
        return bool(self._commit(*_commit_call(CompletedStep(claim, state, replies, last_face_id))))


Keys = list[str | bytes]


def _commit_call(step: CompletedStep) -> tuple[Keys, list[Argument]]:
    """Keys and arguments of _COMMIT."""
    claim = step.claim
    processed = json.dumps([f"{frame.seq}-0" for frame in claim.frames])
    args: list[Argument] = [claim.session_id, claim.number, step.state, KEPT_S, processed, MOST_REPLIES, step.replies]
    return [*session_keys(claim.session_id), READY, claim.replies_to], [*args, step.last_face_id]


def _take_call(known: Mapping[str, int]) -> tuple[Keys, list[Argument]]:
    """Keys and arguments of _TAKE."""
    prefix, frames, state = session_keys("")
    suffixes = (frames.removeprefix(prefix), state.removeprefix(prefix))
    return [READY], [LEASE_S * 1000, MOST_TAKEN, MOST_SEARCHED, prefix, *suffixes, json.dumps(dict(known))]


def _numbers(steps: Sequence[CompletedStep]) -> dict[str, int]:
    """The claim numbers of steps by session id."""
    return {step.claim.session_id: step.claim.number for step in steps}


def _claimed(session_id: str, reply: list[Any], known: int) -> Claim:
    number, attempts, replies_to, state, entries, last_face_id = reply
    return Claim(
        session_id,
        number,
        attempts,
        replies_to,
        state=None if number - 1 == known else state,
        frames=tuple(_waiting(*entry) for entry in entries),
        last_face_id=None if last_face_id is None else int(last_face_id),
    )


def _waiting(entry_id: bytes, pairs: list[bytes]) -> WaitingFrame:
    fields = dict(zip(pairs[::2], pairs[1::2], strict=True))
    return WaitingFrame(int(entry_id.partition(b"-")[0]), fields[b"about"], fields[b"picture"])
