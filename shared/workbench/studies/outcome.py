"""What became of each row of a study, and the recordings of each participant and stimulus."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from duygu.shared.workbench.studies.recording import Recording, Series
from duygu.shared.workbench.studies.sheet import Marker, StudyRow


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row failed, with the codes of duygu.shared.errors."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A row with its recording or its error."""

    row: StudyRow
    recording: Recording | None = None
    error: RowError | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """All recordings of one participant and one stimulus."""

    participant: str
    group: str
    stimulus: str
    recordings: Sequence[Recording]

    def series(self) -> list[Series]:
        """The parts on the clocks of their videos."""
        return [one.series for one in self.recordings]

    def on_stimulus(self) -> list[Series]:
        """The parts on the clock of the stimulus."""
        return [one.on_stimulus for one in self.recordings]

    def baselines(self) -> list[Series]:
        """The baselines of the recordings that have one; empty unless all have."""
        found = [one.baseline for one in self.recordings if one.baseline]
        return found if len(found) == len(self.recordings) else []

    def free(self) -> dict[str, str]:
        """Values of the free columns; empty where the recordings differ."""
        rows = [one.row.free for one in self.recordings]
        return {name: value for name, value in rows[0].items() if all(row.get(name) == value for row in rows)}

    def of(self, markers: Iterable[Marker]) -> list[Marker]:
        """The markers of the participant and stimulus."""
        return [
            one for one in markers if one.participant in ("", self.participant) and one.stimulus in ("", self.stimulus)
        ]


def units_of(recordings: Iterable[Recording]) -> list[Unit]:
    """Recordings by participant and stimulus, in their order."""
    found: dict[tuple[str, str, str], list[Recording]] = {}
    for one in recordings:
        found.setdefault((one.row.participant, one.row.group, one.row.stimulus), []).append(one)
    return [Unit(*key, of) for key, of in found.items()]
