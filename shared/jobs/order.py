"""The order in which waiting jobs are started: weighted fair queueing of two priorities.

Each job gets a place, a number that never changes; the queue is in the order of the places. A bulk job takes a place
behind all others. An interactive job takes the first free place behind all interactive ones and behind the job that
was started last, and so overtakes bulk jobs. Between two consecutive bulk jobs are PER_BULK places, so that many
interactive jobs at most overtake one: a bulk job is started in bounded time under any load. Interactive jobs are never
overtaken.

Places of interactive jobs are multiples of 1 / PER_BULK, those of bulk jobs are BULK_OFFSET behind a whole number, so
no two are equal, and doubles represent them exactly.

The tasks of a part of a video have no place: their job has started. Those of an interactive job are ahead of waiting
bulk jobs, those of a bulk job behind all jobs, and interactive jobs overtake them.
"""

import math
from typing import Final

from duygu.shared.config.api_keys import Priority

PER_BULK = 4
"""Interactive jobs that may be started for each waiting bulk job."""

BULK_OFFSET = 0.125

BEHIND_ALL = ""
"""As a priority: a place behind all jobs, which no later job overtakes; for jobs of versions without places."""

LIST_UNFINISHED: Final = f"""
-- KEYS: unfinished jobs, clock. ARGV: listing, priority.
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return end
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local tail = tonumber(last[2] or 0)
local started = tonumber(redis.call('HGET', KEYS[2], 'started') or 0)
redis.call('HSETNX', KEYS[2], 'interactive', tail)  -- behind the jobs of versions without places
local newest = tonumber(redis.call('HGET', KEYS[2], 'interactive'))
local place
if ARGV[2] == 'interactive' then
  place = (math.floor(math.max(started, newest) * {PER_BULK}) + 1) / {PER_BULK}
  redis.call('HSET', KEYS[2], 'interactive', place)
else
  place = math.floor(math.max(tail, started, newest)) + 1 + {BULK_OFFSET}
  if ARGV[2] == '' then redis.call('HSET', KEYS[2], 'interactive', place) end  -- nothing is to overtake it
end
redis.call('ZADD', KEYS[1], place, ARGV[1])
"""
"""Gives a job a place, unless it has one."""

ORDER: Final = """
-- KEYS: list of a queue of rq, unfinished jobs. ARGV: job id, listing, beginning of the parts that the job overtakes.
local place, before = redis.call('ZSCORE', KEYS[2], ARGV[2]), nil
for _, other in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. place, '+inf')) do
  local behind = string.match(other, '^%S+')
  if redis.call('LPOS', KEYS[1], behind) then
    before = behind
    break
  end
end
if ARGV[3] ~= '' then
  for _, task in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
    if task == before then break end
    if string.sub(task, 1, #ARGV[3]) == ARGV[3] then
      before = task
      break
    end
  end
end
if before then
  redis.call('LREM', KEYS[1], -1, ARGV[1])
  redis.call('LINSERT', KEYS[1], 'BEFORE', before, ARGV[1])
end
"""
"""Moves a job from the end of the queue to its place."""

ORDER_PART: Final = f"""
-- KEYS: list of a queue of rq, unfinished jobs. ARGV: task, beginning of the parts of bulk jobs.
local jobs, is_bulk = redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES'), {{}}
for index = 1, #jobs, 2 do
  is_bulk[string.match(jobs[index], '^%S+')] = (tonumber(jobs[index + 1]) * {PER_BULK}) % 1 ~= 0
end
for _, task in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  if is_bulk[task] or string.sub(task, 1, #ARGV[2]) == ARGV[2] then
    redis.call('LREM', KEYS[1], -1, ARGV[1])
    redis.call('LINSERT', KEYS[1], 'BEFORE', task, ARGV[1])
    return
  end
end
"""
"""Moves a part of an interactive job from the end of the queue ahead of what is bulk."""

PART = "part-"
"""Begins the ids of the tasks of parts."""


def part_task(job_id: str, priority: Priority, number: int) -> str:
    """Id of a task that analyses a part of a job's video."""
    return f"{PART}{priority}-{job_id}-{number}"


def bulk_parts(priority: Priority) -> str:
    """Beginning of the ids of the parts that a job overtakes; empty where it overtakes none."""
    return f"{PART}{Priority.BULK}-" if priority is Priority.INTERACTIVE else ""


def may_overtake(place: float, started: float, newest: float) -> int:
    """Number of interactive jobs that may still get a place before this one of a bulk job.

    started  place of the job that was started last
    newest   place of the newest interactive job
    """
    return max(PER_BULK * math.floor(place) - math.floor(PER_BULK * max(started, newest)), 0)
