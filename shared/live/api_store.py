"""What Redis keeps of live sessions, and the API's side of it; each step that changes it is all or nothing.

A session is an actor: its frames wait in a stream, its state is one value, and whoever claims it may take one step. A
claim has a number; what is committed under an older number is refused, so a worker that was taken for dead cannot
spoil anything. Frames leave the stream only with the answers to them, so a dead worker costs one step and no frame;
those that a worker has in hand are not dropped for newer ones.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis as AsyncRedis

READY = "duygu:live:ready"
"""List of the sessions that wait for a step, none of them twice."""

SHIFT = "duygu:live:shift"
"""There while a shift waits in the queue."""

OPEN = "duygu:live:open"
"""Sorted set of all open sessions, scored by when each is taken for gone."""

SHIFT_WAITS_S = 10
"""A shift that waits for longer is taken for lost."""

OPEN_S = 30
"""A session that its API process has not confirmed for so long does not count any more."""

COUNTED_S = 300
"""Sets of open sessions in which none was opened or confirmed for so long are forgotten."""

KEPT_S = 120
"""Everything of a session is forgotten so long after its last frame; longer than a session may be idle."""

NOW = "local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
"""Begins a script that needs the time: milliseconds of the server's clock, as `now`."""

_OPEN = (
    NOW
    + """
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
    NOW
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


@dataclass(frozen=True, slots=True)
class Offer:
    """What became of a frame that was offered."""

    needs_shift: bool  # nobody may be at work: put a shift into the queue
    dropped: tuple[int, ...]  # seqs of frames that had to go


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
        replies = replies_key(self._process)
        args: list[Argument] = [session_id, OPEN_S, most, most_of_owner, replies, KEPT_S, COUNTED_S]
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
            for key in (OPEN, *map(open_key, set(sessions.values()))):
                pipeline.expire(key, COUNTED_S)
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
