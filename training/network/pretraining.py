"""Training of the trunk on stills, with one head for each source of labels and an exponential moving average (EMA)."""

import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.progress import Progress

from duygu.shared.errors import ConfigurationError
from duygu.shared.schemas.emotions import EMOTIONS
from duygu.training.distillation.batches import ImageSet, batches
from duygu.training.network.architectures import still_network
from duygu.training.run.folder import RunFolder
from duygu.training.run.settings import EARLIER_SOURCE, SOURCES, Cycle, ImageSource, StillsSettings, rename_earlier_keys

WARMUP_STEPS = 300
"""Steps of a cycle over which the learning rate rises linearly."""

LEAST_RATE = 0.004
"""Final learning rate of a cycle, as a share of the highest one."""

EMA_DECAY = 0.998
"""Decay of the moving average of the weights: their share that remains after one step."""

EMA_WARMUP = 19
"""Constant w of the warm-up of that decay, which is min(EMA_DECAY, n / (n + w)) at step n of a cycle."""

LARGEST_GRADIENT = 2.0
"""Norm to which the gradient of each variable is clipped."""

SEED = 1
SIZE = 48
"""Side of a still in pixels."""

NO_ORIGINS: dict[str, Any] = {"settings": None, "cycles": []}
"""Origins of a state that does not record any."""

ImageSets = Mapping[ImageSource, ImageSet]


@dataclass(slots=True)
class TrainingState:
    """A model in training with the moving average of its weights, and the optimiser of the current phase."""

    model: keras.Model
    ema_model: keras.Model
    epoch: int = 0  # over all phases
    optimiser: Any = None

    def variables(self) -> list[Any]:
        """All variables that a state file holds, in order."""
        optimiser = self.optimiser.variables if self.optimiser else []
        return [*self.model.variables, *self.ema_model.variables, *optimiser]


@dataclass(frozen=True, slots=True)
class Phase:
    """A cycle of the recipe with its images and its position among all epochs."""

    cycle: Cycle
    images: ImageSet
    begin: int  # first epoch
    steps: int  # in one epoch

    @property
    def end(self) -> int:
        """The first epoch after the phase."""
        return self.begin + self.cycle.epochs

    def done(self, epoch: int) -> int:
        """Steps of the phase before that epoch."""
        return min(max(epoch - self.begin, 0), self.cycle.epochs) * self.steps


Schedule = tuple[Phase, ...]
"""The phases of a training in order."""


def make_schedule(images: ImageSets, settings: StillsSettings) -> Schedule:
    """The cycles whose images are available, one after another."""
    phases: list[Phase] = []
    for cycle in settings.cycles:
        if of_cycle := images.get(cycle.of):
            begin = phases[-1].end if phases else 0
            phases.append(Phase(cycle, of_cycle, begin, max(len(of_cycle) // settings.batch, 1)))
    return tuple(phases)


def train_trunk(images: ImageSets, settings: StillsSettings, run: RunFolder, progress: Progress) -> keras.Model:
    """Train, or resume from the state in the run's folder.

    returns  the EMA model, (N, 48, 48, 1) -> (N, sources, labels) logits

    Raises ConfigurationError when that state belongs to another recipe or to other images.
    """
    origins = origins_of(images, settings)
    require_same_origins(origins, run.stills_state)
    keras.utils.set_random_seed(SEED)
    model, ema_model = (still_network(SIZE, len(EMOTIONS)) for _ in range(2))
    state = TrainingState(model, ema_model)
    restore(state, run.stills_state)
    schedule = make_schedule(images, settings)
    total = sum(phase.done(phase.end) for phase in schedule)
    task = progress.add_task("stills", total=total, completed=sum(phase.done(state.epoch) for phase in schedule))
    for loss in (loss for phase in schedule for loss in _losses(state, phase, settings, origins, run)):
        progress.update(task, advance=1, description=f"stills, loss {loss:.3f}")
    return state.ema_model


def origins_of(images: ImageSets, settings: StillsSettings) -> dict[str, Any]:
    """What determines the result of a training: settings, cycles, and a digest of each set of images."""
    values = json.loads(json.dumps(asdict(settings)))
    cycles = values.pop("cycles")
    return {"settings": values, "cycles": cycles} | {name: of_name.digest() for name, of_name in images.items()}


def require_same_origins(origins: dict[str, Any], path: Path) -> None:
    """Check that a state file can be resumed; further cycles may follow those that it knows.

    Raises ConfigurationError when its settings, cycles or images differ.
    """
    if not path.exists():
        return
    before = _read_origins(path)
    now = {**origins, "cycles": origins["cycles"][: len(before["cycles"])]}
    if others := [name for name, origin in now.items() if before.get(name, origin) != origin]:
        raise ConfigurationError(
            f"{path.parent} holds a training with other {' and '.join(others)}: "
            f"choose another folder, or remove {path.name}"
        )


def _read_origins(path: Path) -> dict[str, Any]:
    """Origins of a state file, with present names in place of those that version 0.1 wrote."""
    with np.load(path) as arrays:
        before = json.loads(str(arrays["origins"])) if "origins" in arrays else NO_ORIGINS
    if not before["settings"] or EARLIER_SOURCE not in before["settings"]:
        return dict(before)
    warnings.warn(f"{path} was written by version 0.1, and is read for the last time", DeprecationWarning, stacklevel=2)
    stills = rename_earlier_keys({**before["settings"], "cycles": before["cycles"]})
    images = {("pseudo_labels" if name == EARLIER_SOURCE else name): value for name, value in before.items()}
    return {**images, "cycles": stills.pop("cycles"), "settings": stills}


def _losses(
    state: TrainingState, phase: Phase, settings: StillsSettings, origins: dict[str, Any], run: RunFolder
) -> Iterator[float]:
    """Run the remaining steps of a phase; yields the loss of each step."""
    if state.epoch >= phase.end:
        return
    state.optimiser = make_optimiser(state, phase, settings)
    if state.epoch > phase.begin:
        restore(state, run.stills_state)
    else:
        state.ema_model.set_weights(state.model.get_weights())
    weights = settings.loss_of.get(phase.cycle.of, settings.loss)
    step = _step(state, weights, settings.label_smoothing)
    while state.epoch < phase.end:
        random = np.random.default_rng((SEED, state.epoch))
        drawn = batches(phase.images, settings.batch, phase.steps, random)
        for number, (images, targets) in enumerate(drawn, 1):
            done = phase.done(state.epoch) + number
            decay = min(EMA_DECAY, done / (done + EMA_WARMUP))
            yield float(step(images, targets, tf.constant(decay, tf.float32)))
        state.epoch += 1
        save_state(state, origins, run)


def make_optimiser(state: TrainingState, phase: Phase, settings: StillsSettings) -> Any:
    """AdamW with a linear warm-up and a cosine decay of the learning rate over the phase."""
    cycle = phase.cycle
    rate = keras.optimizers.schedules.CosineDecay(
        cycle.learning_rate / 100,
        max(phase.done(phase.end) - WARMUP_STEPS, 1),
        alpha=LEAST_RATE,
        warmup_target=cycle.learning_rate,
        warmup_steps=WARMUP_STEPS,
    )
    optimiser = keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay, clipnorm=LARGEST_GRADIENT)
    optimiser.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    optimiser.build(state.model.trainable_variables)
    return optimiser


def _step(state: TrainingState, shares: Mapping[str, float], smoothing: float) -> Any:
    """A compiled training step: images, targets and EMA decay -> loss."""
    weights = tf.constant([shares.get(source, 0.0) for source in SOURCES])
    pairs = [(mean, now) for mean, now in zip(state.ema_model.variables, state.model.variables, strict=True)]
    pairs = [(mean, now) for mean, now in pairs if mean.dtype == "float32"]  # not the random state of the dropout

    @tf.function  # type: ignore[untyped-decorator]
    def step(images: Any, targets: Any, decay: Any) -> Any:
        smooth = targets * (1 - smoothing) + smoothing / targets.shape[-1]
        with tf.GradientTape() as tape:
            scores = tf.nn.log_softmax(state.model(images, training=True))  # (N, sources, labels)
            losses = -tf.reduce_sum(smooth * scores, -1)  # (N, sources) cross-entropy
            loss = tf.reduce_mean(tf.reduce_sum(losses * weights, -1)) / tf.reduce_sum(weights)
        trained = state.model.trainable_variables
        state.optimiser.apply_gradients(zip(tape.gradient(loss, trained), trained, strict=True))
        for mean, now in pairs:
            mean.assign(mean * decay + now * (1 - decay))
        return loss

    return step


def save_state(state: TrainingState, origins: dict[str, Any], run: RunFolder) -> None:
    """Write the state to resume from, and the EMA model."""
    arrays = {f"variable_{index}": keras.ops.convert_to_numpy(value) for index, value in enumerate(state.variables())}
    half = run.create().stills_state.with_name(f"half_{run.stills_state.name}")
    np.savez(half, epoch=state.epoch, origins=np.array(json.dumps(origins)), **arrays)
    half.replace(run.stills_state)
    state.ema_model.save(run.stills_network)


def restore(state: TrainingState, path: Path) -> None:
    """Load a state file, where it exists; the optimiser's variables only where the state has an optimiser."""
    if not path.exists():
        return
    with np.load(path) as arrays:
        state.epoch = int(arrays["epoch"])
        for index, variable in enumerate(state.variables()):
            variable.assign(arrays[f"variable_{index}"])
