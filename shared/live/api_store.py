"""The API's side of live sessions in Redis: opening sessions, offering frames, reading replies.

A session is an actor: its frames wait in a stream, its state is one value, and the worker that holds its lease takes
one step. Each claim has a number; Redis refuses a commit under an older number, so a worker that was presumed dead
cannot overwrite anything. A commit removes the frames that it replies to, so a dead worker costs one step and no frame.
The frames that a worker holds are not dropped for newer ones. docs/live-sessions-internals.md describes the states.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis as AsyncRedis

from duygu.shared.live.lease_state import MAKES_READY, NOW, Transition, guard, lua_set

READY = "duygu:live:ready"
"""List of the sessions that wait for a step, each at most once."""

DRAIN_QUEUED = "duygu:live:shift"
"""Exists while a drain job waits in the queue."""

OPEN = "duygu:live:open"
"""Sorted set of all open sessions; the score is the time at which a session no longer counts."""

DRAIN_WAITS_S = 10
"""A drain job that waits for longer is presumed lost."""

OPEN_S = 30
"""A session that its API process has not confirmed for so long no longer counts."""

OVERLOAD = "duygu:live:overload"
"""Hash with the rate of all sessions while the service is overloaded, and the API process that needs it."""

OVERLOAD_S = 3
"""Time to live of the rate; the process that needs it repeats it every second."""

COUNTED_S = 300
"""Time to live of the sets of open sessions, from the last session that was opened or confirmed."""

KEPT_S = 120
"""Time to live of a session's keys, from its last frame; longer than a session may be idle."""

_OPEN = (
    NOW
    + """
-- KEYS: open sessions, open sessions of the owner, session.
-- ARGV: session id, seconds until it no longer counts, most sessions, most of the owner, stream of replies, TTLs.
-- Returns 0 when a limit is reached. Sessions whose process died leave the sets by their score.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) or redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[4]) then
  return 0
end
for _, key in ipairs({KEYS[1], KEYS[2]}) do
  redis.call('ZADD', key, now + ARGV[2] * 1000, ARGV[1])
  redis.call('EXPIRE', key, ARGV[7])
end
redis.call('HSET', KEYS[3], 'claim', 0, 'lease', 0, 'attempts', 0, 'ready', 0, 'replies', ARGV[5])
redis.call('EXPIRE', KEYS[3], ARGV[6])
return 1
"""
)

_OFFER = (
    guard(Transition.OFFER)
    + lua_set("makes_ready_by_offer", MAKES_READY[Transition.OFFER])
    + lua_set("makes_ready_by_nudge", MAKES_READY[Transition.NUDGE])
    + """
-- KEYS: session, frames, state, ready list, queued-drain flag.
-- ARGV: session id, seq (0: a nudge, without a frame), about, picture, most waiting frames, TTL, TTL of the flag.
-- Returns {whether a drain job has to be queued, seqs of dropped frames}; false for a closed session.
local session, frames = KEYS[1], KEYS[2]
local state, nudge = lease_state(session, now), ARGV[2] == '0'
if not allowed[state] then return false end
if not nudge then
  redis.call('XADD', frames, ARGV[2] .. '-0', 'about', ARGV[3], 'picture', ARGV[4])
end
-- A worker holds the `held` oldest frames, up to the id `taken`: these neither count as waiting nor are dropped.
local held, from = 0, '-'
if state == 'leased' then
  local claimed = redis.call('HMGET', session, 'held', 'taken')
  held, from = tonumber(claimed[1]), '(' .. claimed[2]
end
local dropped = {}
while redis.call('XLEN', frames) - held > tonumber(ARGV[5]) do
  local oldest = redis.call('XRANGE', frames, from, '+', 'COUNT', 1)[1][1]
  redis.call('XDEL', frames, oldest)
  table.insert(dropped, tonumber(string.match(oldest, '^%d+')))
end
for _, key in ipairs({session, frames, KEYS[3]}) do redis.call('EXPIRE', key, ARGV[6]) end
local makes_ready = nudge and makes_ready_by_nudge or makes_ready_by_offer
if makes_ready[state] and redis.call('XLEN', frames) > 0 then
  -- Only a nudge can meet a session that is in the list already. It keeps its place: at the end it would wait again.
  if not (nudge and redis.call('LPOS', KEYS[4], ARGV[1])) then redis.call('RPUSH', KEYS[4], ARGV[1]) end
  redis.call('HSET', session, 'ready', 1)
end
-- Sessions are ready and no drain job is queued: the caller queues one. The flag expires in case that job is lost.
local needs_drain = 0
if redis.call('LLEN', KEYS[4]) > 0 and redis.call('SET', KEYS[5], 1, 'NX', 'EX', ARGV[7]) then needs_drain = 1 end
return {needs_drain, dropped}
"""
)


_SHARE_RATE = """
-- KEYS: rate of all sessions. ARGV: API process, rate that it needs ('' for none), TTL in seconds.
-- Returns the lowest rate that an API process needs; false for none. The process with the lowest one keeps it up.
local kept = redis.call('HMGET', KEYS[1], 'rate', 'process')
local own = kept[2] == ARGV[1]
if ARGV[2] == '' then
  if own then redis.call('DEL', KEYS[1]) return false end
  return kept[1]
end
if not own and kept[1] and tonumber(kept[1]) < tonumber(ARGV[2]) then return kept[1] end
redis.call('HSET', KEYS[1], 'rate', ARGV[2], 'process', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return ARGV[2]
"""


@dataclass(frozen=True, slots=True)
class Offer:
    """Outcome of offering a frame."""

    needs_drain: bool  # no drain job is queued: queue one
    dropped: tuple[int, ...]  # seqs of the frames that it replaced


@dataclass(frozen=True, slots=True)
class ReplyBatch:
    """The replies of one step."""

    place: str  # in the stream
    session_id: str
    replies: bytes  # JSON


Argument = bytes | str | int | float


def new_session_id() -> str:
    """A random id that cannot be guessed."""
    return secrets.token_urlsafe(12)


def replies_key(process: str) -> str:
    """Capped stream with the replies for the sessions of one API process."""
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
        self._share_rate = redis.register_script(_SHARE_RATE)

    async def open(self, session_id: str, owner: str, most: int, most_of_owner: int) -> bool:
        """Open a session; False when `most` are open, or `most_of_owner` of this owner."""
        keys = [OPEN, open_key(owner), session_keys(session_id)[0]]
        replies = replies_key(self._process)
        args: list[Argument] = [session_id, OPEN_S, most, most_of_owner, replies, KEPT_S, COUNTED_S]
        return bool(await self._open(keys, args))

    async def offer(self, session_id: str, seq: int, about: str, picture: bytes, most_waiting: int) -> Offer | None:
        """Add a frame; None when the session is closed."""
        args: list[Argument] = [session_id, seq, about, picture, most_waiting, KEPT_S, DRAIN_WAITS_S]
        reply = await self._offer([*session_keys(session_id), READY, DRAIN_QUEUED], args)
        return Offer(bool(reply[0]), tuple(reply[1])) if reply else None

    async def nudge(self, session_id: str, most_waiting: int) -> Offer | None:
        """Make a session ready again whose worker has died; None when the session is closed."""
        return await self.offer(session_id, 0, "", b"", most_waiting)

    async def confirm(self, sessions: dict[str, str]) -> None:
        """Extend the time for which these sessions (id -> owner) count as open."""
        seconds, microseconds = await self._redis.time()
        until = seconds * 1000 + microseconds // 1000 + OPEN_S * 1000
        async with self._redis.pipeline(transaction=False) as pipeline:
            for session_id, owner in sessions.items():
                pipeline.zadd(OPEN, {session_id: until}, xx=True)
                pipeline.zadd(open_key(owner), {session_id: until}, xx=True)
                pipeline.expire(session_keys(session_id)[0], KEPT_S)
            for key in (OPEN, *map(open_key, set(sessions.values()))):
                pipeline.expire(key, COUNTED_S)
            await pipeline.execute()

    async def share_rate(self, rate_hz: float | None) -> float | None:
        """Share the rate that this API process needs; returns the lowest one of all processes, None for no limit."""
        needed = "" if rate_hz is None else rate_hz
        lowest = await self._share_rate([OVERLOAD], [self._process, needed, OVERLOAD_S])
        return float(lowest) if lowest else None

    async def close(self, session_id: str, owner: str) -> None:
        """Delete a session and all its keys."""
        async with self._redis.pipeline() as pipeline:
            pipeline.delete(*session_keys(session_id))
            pipeline.zrem(OPEN, session_id)
            pipeline.zrem(open_key(owner), session_id)
            await pipeline.execute()

    async def replies(self, after: str, block_ms: int) -> list[ReplyBatch]:
        """The batches behind the stream id `after`; waits up to `block_ms` for one."""
        key = replies_key(self._process)
        read: Any = await self._redis.xread({key: after}, count=500, block=block_ms)
        entries = read[0][1] if read else []
        if entries:
            await self._redis.xtrim(key, minid=entries[-1][0], approximate=False)
        return [ReplyBatch(at.decode(), entry[b"session"].decode(), entry[b"replies"]) for at, entry in entries]
