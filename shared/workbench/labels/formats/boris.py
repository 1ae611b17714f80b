"""Projects of BORIS (.boris): state events of subjects, coded with the names of emotions.

Format: https://www.boris.unito.it/user_guide/ (JSON; an event is a list of time, subject, behaviour, modifier, comment)
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from duygu.shared.errors import InvalidLabelError
from duygu.shared.workbench.labels.formats.entries import Entries, Entry, quoted, seconds, without_other_codes


def read_boris(project: Mapping[str, Any]) -> Entries:
    """Read the observation of a project. Raises InvalidLabelError for several observations and invalid content."""
    observations = project.get("observations")
    if not isinstance(observations, dict) or len(observations) != 1:
        count = len(observations) if isinstance(observations, dict) else 0
        raise InvalidLabelError(f"the project has {count} observations instead of one; export them one by one")
    [(name, observation)] = observations.items()
    where = f"observation {quoted(name)}"
    if not isinstance(observation, dict):
        raise InvalidLabelError(f"{where} is invalid")
    durations_s = set(_durations(observation, where))
    found = Entries(media=set(_media(observation)), durations_s=durations_s, on_player_clock=True)
    states = _states(observation.get("events", []), _points(project), where)
    found.found = list(without_other_codes(states, found.skipped))
    return found


def _media(observation: Mapping[str, Any]) -> Iterator[str]:
    """Paths of the media of all players."""
    players = observation.get("file", {})
    for paths in players.values() if isinstance(players, dict) else ():
        yield from (path for path in (paths if isinstance(paths, list) else ()) if isinstance(path, str))


def _durations(observation: Mapping[str, Any], where: str) -> Iterator[float]:
    """Lengths of the media of all players."""
    information = observation.get("media_info", {})
    lengths = information.get("length", {}) if isinstance(information, dict) else {}
    for length in lengths.values() if isinstance(lengths, dict) else ():
        yield seconds(str(length), where)


def _points(project: Mapping[str, Any]) -> set[str]:
    """Behaviours that are point events, without a length."""
    behaviours = project.get("behaviors_conf", {})
    coded = [one for one in (behaviours.values() if isinstance(behaviours, dict) else ()) if isinstance(one, dict)]
    return {str(one.get("code")) for one in coded if "point" in str(one.get("type")).lower()}


def _states(events: Any, points: set[str], where: str) -> Iterator[Entry]:
    """The states: every second event of a subject and behaviour ends the one before it."""
    times: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for event in events if isinstance(events, list) else ():
        if not isinstance(event, list) or len(event) < len(("time", "subject", "behaviour")):
            raise InvalidLabelError(f"{where}: an event is not a list of time, subject and behaviour")
        times[str(event[1]), str(event[2])].append(seconds(str(event[0]), where))
    for (subject, behaviour), found in times.items():
        place = f"{where}: {quoted(behaviour)} of {quoted(subject)}"
        yield from _pairs(place, subject, behaviour, sorted(found), point=behaviour in points)


def _pairs(where: str, subject: str, behaviour: str, times: Sequence[float], *, point: bool) -> Iterator[Entry]:
    if not point and len(times) % 2:
        raise InvalidLabelError(f"{where} starts at {times[-1]} s and does not stop")
    for start_s, end_s in zip(times, times, strict=True) if point else zip(times[::2], times[1::2], strict=True):
        yield Entry(where, subject, start_s, end_s, behaviour)
