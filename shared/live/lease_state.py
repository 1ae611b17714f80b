"""The state machine of a session lease: who may take the next step of a live session.

docs/live-sessions-internals.md explains the protocol. The state is not stored as such: Lua derives it from the fields
of the session's hash, so that a lease expires without anybody changing it.
"""

from collections.abc import Mapping
from enum import StrEnum


class LeaseState(StrEnum):
    """State of the lease of one session."""

    CLOSED = "closed"
    """The session does not exist: it was closed, or its keys have expired."""
    IDLE = "idle"
    """No worker holds the session, and no frame waits for a claim."""
    READY = "ready"
    """Frames wait, and the session is in the ready list."""
    LEASED = "leased"
    """A worker holds a claim whose lease has not expired."""
    EXPIRED = "expired"
    """The lease has expired before a commit; the session is not in the ready list."""
    REQUEUED = "requeued"
    """As EXPIRED, and the session is in the ready list again. The first worker may still renew or commit its claim."""


class Transition(StrEnum):
    """What changes the state, besides the passing of time."""

    OFFER = "offer"
    """The API adds a frame."""
    NUDGE = "nudge"
    """The API makes a session ready again whose worker does not reply."""
    CLAIM = "claim"
    """A worker takes the session, under a new claim number."""
    RENEW = "renew"
    """The worker with the newest claim extends its lease."""
    COMMIT = "commit"
    """The worker with the newest claim stores the session's state and sends its replies."""


_ANY_OPEN = frozenset(LeaseState) - {LeaseState.CLOSED}

ALLOWED: Mapping[Transition, frozenset[LeaseState]] = {
    Transition.OFFER: _ANY_OPEN,
    Transition.NUDGE: _ANY_OPEN,
    Transition.CLAIM: _ANY_OPEN - {LeaseState.LEASED},
    Transition.RENEW: frozenset({LeaseState.LEASED, LeaseState.EXPIRED, LeaseState.REQUEUED}),
    Transition.COMMIT: _ANY_OPEN,  # IDLE and READY: a commit that is repeated because its reply was lost
}
"""States in which a transition is allowed. RENEW and COMMIT also require the newest claim number."""

MAKES_READY: Mapping[Transition, frozenset[LeaseState]] = {
    Transition.OFFER: frozenset({LeaseState.IDLE, LeaseState.EXPIRED}),
    Transition.NUDGE: frozenset({LeaseState.IDLE, LeaseState.EXPIRED, LeaseState.READY, LeaseState.REQUEUED}),
}
"""States in which a transition puts the session into the ready list, if frames wait.

NUDGE does so again for a session that counts as ready: a worker may have died between taking it from the list and
claiming it.
"""

NOW = "local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
"""Lua: milliseconds of the server's clock, as `now`."""

LEASE_STATE = """
-- The lease state of the session with this hash. 'lease' is when the lease expires (0 after a commit), 'ready' is 1
-- while the session is in the ready list.
local function lease_state(session, now)
  local fields = redis.call('HMGET', session, 'lease', 'ready')
  if not fields[1] then return 'closed' end
  local lease, ready = tonumber(fields[1]), fields[2] == '1'
  if lease > now then return 'leased' end
  if lease == 0 then return ready and 'ready' or 'idle' end
  return ready and 'requeued' or 'expired'
end
"""
"""Lua: the function `lease_state`; needs NOW."""


def lua_set(name: str, states: frozenset[LeaseState]) -> str:
    """Lua: a local table `name` in which each of `states` is true."""
    return f"local {name} = {{{', '.join(f'{state} = true' for state in sorted(states))}}}\n"


def guard(transition: Transition) -> str:
    """Lua that begins the script of a transition: `now`, `lease_state` and the guard table `allowed`."""
    return NOW + LEASE_STATE + lua_set("allowed", ALLOWED[transition])
