"""The worker's side of the sessions in shared/live/api_store.py: claiming one for a step, and committing the step."""

import json
from dataclasses import dataclass
from typing import Any

from redis import Redis

from duygu.shared.live.api_store import KEPT_S, NOW, READY, SHIFT, Argument, session_keys

LEASE_S = 3
"""A worker that has not renewed its lease for so long is taken for dead, and the session goes to another."""

MOST_REPLIES = 2000
"""Of one API process that wait to be read; more means that the process is stuck or gone."""

_CLAIM = (
    NOW
    + """
local session = KEYS[1]
local kept = redis.call('HMGET', session, 'claim', 'lease', 'replies', 'last_face_id')
if not kept[1] then return false end
redis.call('HSET', session, 'ready', 0)
if tonumber(kept[2]) > now then return false end
local claim = redis.call('HINCRBY', session, 'claim', 1)
local attempts = redis.call('HINCRBY', session, 'attempts', 1)
redis.call('HSET', session, 'lease', now + ARGV[2])
local waiting = redis.call('XRANGE', KEYS[2], '-', '+')
local taken = '0-0'
if #waiting > 0 then taken = waiting[#waiting][1] end
redis.call('HSET', session, 'held', #waiting, 'taken', taken)
local state = ''
if kept[1] ~= ARGV[1] then state = redis.call('GET', KEYS[3]) or '' end
return {claim, attempts, kept[3], state, waiting, kept[4]}
"""
)

_RENEW = (
    NOW
    + """
local held = redis.call('HMGET', KEYS[1], 'claim', 'lease')
if held[1] ~= ARGV[1] or held[2] == '0' then return 0 end
redis.call('HSET', KEYS[1], 'lease', now + ARGV[2])
return 1
"""
)
"""A lease of 0 belongs to a step that has been committed."""

_COMMIT = """
local session, frames, replies = KEYS[1], KEYS[2], KEYS[5]
if redis.call('HGET', session, 'claim') ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[3], ARGV[3], 'EX', ARGV[4])
local answered = cjson.decode(ARGV[5])
if #answered > 0 then redis.call('XDEL', frames, unpack(answered)) end
redis.call('XADD', replies, 'MAXLEN', '~', ARGV[6], '*', 'session', ARGV[1], 'replies', ARGV[7])
redis.call('EXPIRE', replies, ARGV[4])
redis.call('HSET', session, 'lease', 0, 'attempts', 0, 'last_face_id', ARGV[8])
if redis.call('XLEN', frames) > 0 and redis.call('HGET', session, 'ready') == '0' then
  redis.call('HSET', session, 'ready', 1)
  redis.call('RPUSH', KEYS[4], ARGV[1])
end
return 1
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A frame that waits for its answer."""

    seq: int
    about: bytes  # JSON, as the API wrote it
    picture: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to take one step of a session, and what is needed for it."""

    session_id: str
    number: int
    attempts: int  # this one included; the others did not come to their end
    replies_to: bytes  # key of the stream for the answers
    state: bytes | None  # None where the state is the one that was committed under the claim before
    frames: tuple[Waiting, ...]
    last_face_id: int | None  # as committed with the state; None before the first commit


class SessionDesk:
    """A worker's side: takes ready sessions and commits steps."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._claim, self._commit = redis.register_script(_CLAIM), redis.register_script(_COMMIT)
        self._renew = redis.register_script(_RENEW)

    def begin_shift(self) -> None:
        """From now on another shift may wait in the queue."""
        self._redis.delete(SHIFT)

    def next_ready(self, patience_s: float) -> str | None:
        """A session that waits for a step, or None when there was none for so long."""
        taken: Any = self._redis.blpop([READY], timeout=patience_s)
        return taken[1].decode() if taken else None

    def claim(self, session_id: str, known: int) -> Claim | None:
        """Take a session for one step; None where somebody else has it or it is over.

        known  number of the claim whose committed state is at hand; -1 for none
        """
        answer = self._claim([*session_keys(session_id)], [known, LEASE_S * 1000])
        if not answer:
            return None
        number, attempts, replies_to, state, entries, last_face_id = answer
        return Claim(
            session_id,
            number,
            attempts,
            replies_to,
            state=None if number - 1 == known else state,
            frames=tuple(_waiting(*entry) for entry in entries),
            last_face_id=None if last_face_id is None else int(last_face_id),
        )

    def renew(self, claim: Claim) -> bool:
        """Let the lease of a claim last LEASE_S from now on; False when another worker has the session by now."""
        return bool(self._renew([session_keys(claim.session_id)[0]], [claim.number, LEASE_S * 1000]))

    def commit(self, claim: Claim, state: bytes, replies: str, last_face_id: int = 0) -> bool:
        """Keep the state, take the frames of the claim away and send the answers; False when the claim had run out.

        last_face_id  kept beside the state, so that an id is not used again where the state cannot be read
        """
        keys: list[str | bytes] = [*session_keys(claim.session_id), READY, claim.replies_to]
        answered = json.dumps([f"{frame.seq}-0" for frame in claim.frames])
        args: list[Argument] = [claim.session_id, claim.number, state, KEPT_S, answered, MOST_REPLIES, replies]
        args.append(last_face_id)
        return bool(self._commit(keys, args))


def _waiting(entry_id: bytes, pairs: list[bytes]) -> Waiting:
    fields = dict(zip(pairs[::2], pairs[1::2], strict=True))
    return Waiting(int(entry_id.partition(b"-")[0]), fields[b"about"], fields[b"picture"])
