"""What Redis keeps of live sessions, and the few steps that change it, each of them all or nothing.

A session is an actor: its frames wait in a stream, its state is one value, and whoever claims it may take one step. A
claim has a number; what is committed under an older number is refused, so a worker that was taken for dead cannot
spoil anything. Frames leave the stream only with the answers to them, so a dead worker costs one step and no frame;
those that a worker has in hand are not dropped for newer ones.
"""

import json
import secrets
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

READY = "duygu:live:ready"
"""List of the sessions that wait for a step, none of them twice."""

SHIFT = "duygu:live:shift"
"""There while a shift waits in the queue."""

OPEN = "duygu:live:open"
"""Sorted set of all open sessions, scored by when each is taken for gone."""

LEASE_S = 3
"""A step may take so long; then its worker is taken for dead and the session goes to another."""

SHIFT_WAITS_S = 10
"""A shift that waits for longer is taken for lost."""

OPEN_S = 30
"""A session that its API process has not confirmed for so long does not count any more."""

MOST_REPLIES = 2000
"""Of one API process that wait to be read; more means that the process is stuck or gone."""

KEPT_S = 120
"""Everything of a session is forgotten so long after its last frame; longer than a session may be idle."""

_NOW = "local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"

_OPEN = (
    _NOW
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) or redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[4]) then
  return 0
end
for _, key in ipairs({KEYS[1], KEYS[2]}) do
  redis.call('ZADD', key, now + ARGV[2] * 1000, ARGV[1])
  redis.call('EXPIRE', key, ARGV[2] * 10)
end
redis.call('HSET', KEYS[3], 'claim', 0, 'lease', 0, 'attempts', 0, 'ready', 0, 'replies', ARGV[5])
redis.call('EXPIRE', KEYS[3], ARGV[6])
return 1
"""
)

_OFFER = (
    _NOW
    + """
local session, frames = KEYS[1], KEYS[2]
if redis.call('EXISTS', session) == 0 then return false end
if ARGV[2] ~= '0' then
  redis.call('XADD', frames, ARGV[2] .. '-0', 'about', ARGV[3], 'picture', ARGV[4])
end
local busy = redis.call('HMGET', session, 'ready', 'lease', 'held', 'taken')
local held, from = 0, '-'
if tonumber(busy[2]) > now then held, from = tonumber(busy[3]), '(' .. busy[4] end
local dropped = {}
while redis.call('XLEN', frames) - held > tonumber(ARGV[5]) do
  local oldest = redis.call('XRANGE', frames, from, '+', 'COUNT', 1)[1][1]
  redis.call('XDEL', frames, oldest)
  table.insert(dropped, tonumber(string.match(oldest, '^%d+')))
end
for _, key in ipairs({session, frames, KEYS[3]}) do redis.call('EXPIRE', key, ARGV[6]) end
local lost = busy[1] == '1' and ARGV[2] == '0'
if redis.call('XLEN', frames) > 0 and (busy[1] == '0' or lost) and tonumber(busy[2]) <= now then
  if lost then redis.call('LREM', KEYS[4], 0, ARGV[1]) end
  redis.call('HSET', session, 'ready', 1)
  redis.call('RPUSH', KEYS[4], ARGV[1])
end
local shift = 0
if redis.call('LLEN', KEYS[4]) > 0 and redis.call('SET', KEYS[5], 1, 'NX', 'EX', ARGV[7]) then shift = 1 end
return {shift, dropped}
"""
)

_CLAIM = (
    _NOW
    + """
local session = KEYS[1]
local kept = redis.call('HMGET', session, 'claim', 'lease', 'replies')
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
return {claim, attempts, kept[3], state, waiting}
"""
)

_COMMIT = """
local session, frames, replies = KEYS[1], KEYS[2], KEYS[5]
if redis.call('HGET', session, 'claim') ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[3], ARGV[3], 'EX', ARGV[4])
local answered = cjson.decode(ARGV[5])
if #answered > 0 then redis.call('XDEL', frames, unpack(answered)) end
redis.call('XADD', replies, 'MAXLEN', '~', ARGV[6], '*', 'session', ARGV[1], 'replies', ARGV[7])
redis.call('EXPIRE', replies, ARGV[4])
redis.call('HSET', session, 'lease', 0, 'attempts', 0)
if redis.call('XLEN', frames) > 0 and redis.call('HGET', session, 'ready') == '0' then
  redis.call('HSET', session, 'ready', 1)
  redis.call('RPUSH', KEYS[4], ARGV[1])
end
return 1
"""


@dataclass(frozen=True, slots=True)
class Offer:
    """What became of a frame that was offered."""

    needs_shift: bool  # nobody may be at work: put a shift into the queue
    dropped: tuple[int, ...]  # seqs of frames that had to go


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


@dataclass(frozen=True, slots=True)
class Answers:
    """What one step answered."""

    place: str  # in the stream
    session_id: str
    replies: bytes  # JSON


Argument = bytes | str | int | float


def new_session_id() -> str:
    """Nobody can guess it."""
    return secrets.token_urlsafe(12)


def replies_key(process: str) -> str:
    """Capped stream with the answers for the sessions of one API process."""
    return f"duygu:live:replies:{process}"


def open_key(owner: str) -> str:
    """Sorted set of the open sessions of one API key."""
    return f"{OPEN}:{owner}"


def session_keys(session_id: str) -> tuple[str, str, str]:
    """Hash of the session, stream of its waiting frames, value of its state."""
    session = f"duygu:live:session:{session_id}"
    return session, f"{session}:frames", f"{session}:state"


class SessionStore:
    """The API's side: opens sessions, offers frames, closes sessions."""

    def __init__(self, redis: AsyncRedis, process: str) -> None:
        self._redis = redis
        self._process = process
        self._open, self._offer = redis.register_script(_OPEN), redis.register_script(_OFFER)

    async def open(self, session_id: str, owner: str, most: int, most_of_owner: int) -> bool:
        """Begin a session, unless so many are open already, in all or of this owner."""
        keys = [OPEN, open_key(owner), session_keys(session_id)[0]]
        args: list[Argument] = [session_id, OPEN_S, most, most_of_owner, replies_key(self._process), KEPT_S]
        return bool(await self._open(keys, args))

    async def offer(self, session_id: str, seq: int, about: str, picture: bytes, most_waiting: int) -> Offer | None:
        """Let a frame wait for a worker; None where the session is not known any more."""
        args: list[Argument] = [session_id, seq, about, picture, most_waiting, KEPT_S, SHIFT_WAITS_S]
        answer = await self._offer([*session_keys(session_id), READY, SHIFT], args)
        return Offer(bool(answer[0]), tuple(answer[1])) if answer else None

    async def nudge(self, session_id: str, most_waiting: int) -> Offer | None:
        """Make a session ready again whose worker died, or that was forgotten; None where it is not known any more."""
        return await self.offer(session_id, 0, "", b"", most_waiting)

    async def confirm(self, sessions: dict[str, str]) -> None:
        """Say that these sessions (id -> owner) are still open."""
        seconds, microseconds = await self._redis.time()
        until = seconds * 1000 + microseconds // 1000 + OPEN_S * 1000
        async with self._redis.pipeline(transaction=False) as pipeline:
            for session_id, owner in sessions.items():
                pipeline.zadd(OPEN, {session_id: until}, xx=True)
                pipeline.zadd(open_key(owner), {session_id: until}, xx=True)
                pipeline.expire(session_keys(session_id)[0], KEPT_S)
            await pipeline.execute()

    async def close(self, session_id: str, owner: str) -> None:
        """Forget a session and all that was kept of it."""
        async with self._redis.pipeline() as pipeline:
            pipeline.delete(*session_keys(session_id))
            pipeline.zrem(OPEN, session_id)
            pipeline.zrem(open_key(owner), session_id)
            await pipeline.execute()

    async def replies(self, after: str, block_ms: int) -> list[Answers]:
        """What workers answered since the place `after`."""
        key = replies_key(self._process)
        read: Any = await self._redis.xread({key: after}, count=500, block=block_ms)
        entries = read[0][1] if read else []
        if entries:
            await self._redis.xtrim(key, minid=entries[-1][0], approximate=False)
        return [Answers(at.decode(), told[b"session"].decode(), told[b"replies"]) for at, told in entries]


class SessionDesk:
    """A worker's side: takes ready sessions and commits steps."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._claim, self._commit = redis.register_script(_CLAIM), redis.register_script(_COMMIT)

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
        number, attempts, replies_to, state, entries = answer
        frames = tuple(_waiting(*entry) for entry in entries)
        return Claim(session_id, number, attempts, replies_to, None if number - 1 == known else state, frames)

    def commit(self, claim: Claim, state: bytes, replies: str) -> bool:
        """Keep the state, take the frames of the claim away and send the answers; False when the claim had run out."""
        keys: list[str | bytes] = [*session_keys(claim.session_id), READY, claim.replies_to]
        answered = json.dumps([f"{frame.seq}-0" for frame in claim.frames])
        args: list[Argument] = [claim.session_id, claim.number, state, KEPT_S, answered, MOST_REPLIES, replies]
        return bool(self._commit(keys, args))


def _waiting(entry_id: bytes, pairs: list[bytes]) -> Waiting:
    fields = dict(zip(pairs[::2], pairs[1::2], strict=True))
    return Waiting(int(entry_id.partition(b"-")[0]), fields[b"about"], fields[b"picture"])
