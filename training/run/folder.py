"""The folder of one training run: the names of its files, and reading and writing those that hold plain text."""

import json
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from duygu.shared.model.folder import H5, LABELS

UNKNOWN_PROVENANCE = "The training data was not recorded.\n"


class RunFolder:
    """Paths of everything that the commands write into a run's folder. Creating the object touches no file.

    network, labels               the trained network (.h5) and its labels (.npy), which `export` copies
    initial_network               the network before training on clips; absent where that started from random weights
    split                         names of the people in the training and validation parts, where clips trained it
    provenance                    Markdown about the training data, for the model card
    history, accuracy_plot        loss and accuracy of each epoch on clips
    best_weights                  weights of the epoch with the lowest validation loss
    stills_network, stills_state  EMA network of the stills, and the state to resume from
    measured, report              results of `evaluate`, as JSON and as HTML
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.network = path / H5
        self.labels = path / LABELS
        self.initial_network = path / "start.h5"
        self.split = path / "split.json"
        self.provenance = path / "data.md"
        self.history = path / "history.csv"
        self.accuracy_plot = path / "accuracy.png"
        self.best_weights = path / "best.weights.h5"
        self.stills_network = path / "stills.keras"
        self.stills_state = path / "stills_state.npz"
        self.measured = path / "measured.json"
        self.report = path / "report.html"

    def series(self, name: str) -> Path:
        """A series of the history as an array (.npy), for example `accuracy` or `val_accuracy`."""
        return self.path / f"{name}.npy"

    def pseudo_labels(self, part: int) -> Path:
        """Altered stills with the teachers' probabilities (.npz), in numbered parts.

        A file with the name that version 0.1 gave it, `asked_NNN.npz`, is renamed.
        """
        path, earlier = self.path / f"pseudo_labels_{part:03}.npz", self.path / f"asked_{part:03}.npz"
        if earlier.exists() and not path.exists():
            warnings.warn(
                f"{earlier} is renamed to {path.name}; the next version will ignore the earlier name",
                DeprecationWarning,
                stacklevel=2,
            )
            earlier.replace(path)
        return path

    def fold(self, *names: str) -> "RunFolder":
        """The folder of one fold of a cross-validation, inside this one."""
        return RunFolder(self.path.joinpath(*names))

    def create(self) -> "RunFolder":
        """Make the folder where it does not exist."""
        self.path.mkdir(parents=True, exist_ok=True)
        return self

    def forget(self) -> None:
        """Delete what an earlier training left, except what this one may resume from (stills and pseudo-labels)."""
        for path in (
            *(self.network, self.labels, self.initial_network, self.split, self.provenance),
            *(
                self.history,
                self.accuracy_plot,
                self.best_weights,
                self.series("accuracy"),
                self.series("val_accuracy"),
            ),
            *(self.measured, self.report),
        ):
            path.unlink(missing_ok=True)

    def write_split(self, *, train: Iterable[str], validation: Iterable[str]) -> None:
        """Record the people of both parts, so that calibration uses the same validation part."""
        people = {"train": sorted(set(train)), "validation": sorted(set(validation))}
        self.create().split.write_text(json.dumps(people, indent=2) + "\n", encoding="utf-8")

    def validation_people(self) -> list[str] | None:
        """Names of the people in the validation part; None where the run was not trained on clips."""
        if not self.split.exists():
            return None
        return list(json.loads(self.split.read_text(encoding="utf-8"))["validation"])

    def write_provenance(self, text: str) -> None:
        """Record what the network learns from."""
        self.create().provenance.write_text(text, encoding="utf-8")

    def read_provenance(self) -> str:
        """What `write_provenance` wrote, or a sentence that says that nothing was recorded."""
        return self.provenance.read_text(encoding="utf-8") if self.provenance.exists() else UNKNOWN_PROVENANCE

    def write_measured(self, report: dict[str, Any]) -> None:
        """Record the results of an evaluation, by protocol."""
        self.create().measured.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")

    def read_measured(self) -> dict[str, Any]:
        """What `write_measured` wrote; empty where nothing was evaluated."""
        return dict(json.loads(self.measured.read_text(encoding="utf-8"))) if self.measured.exists() else {}
