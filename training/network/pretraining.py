"""The trunk learns from stills, with one head for each source of labels; the mean of its weights over time is kept."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.progress import Progress

from duygu.shared.errors import ConfigurationError
from duygu.shared.schemas import EMOTIONS
from duygu.training.distillation.batches import Pictures, batches
from duygu.training.network.architectures import still_network
from duygu.training.settings import SOURCES, Cycle, Lesson, StillsSettings

STILLS_MODEL, STATE = "stills.keras", "stills_state.npz"
"""In a run's folder: the mean network, and everything that is needed to go on after an interruption."""

WARMUP_STEPS = 300
LEAST_RATE = 0.004
"""Share of the learning rate that is left at the end."""

NOTHING: dict[str, Any] = {"settings": None, "cycles": []}
"""What is known of a training that earlier versions began."""

MEMORY = 0.998
"""Share of itself that the mean network keeps at each step, once there have been enough of them."""

MEMORY_RAMP = 19
"""Steps over which that share rises."""

LARGEST_GRADIENT = 2.0
SEED = 1
SIZE = 48
"""Of a still, in pixels."""


Lessons = Mapping[Lesson, Pictures]


@dataclass(slots=True)
class Learner:
    """Two networks of one shape, one that learns and the mean of what it was, and the optimiser of this cycle."""

    network: keras.Model
    mean: keras.Model
    epoch: int = 0  # over all cycles
    optimiser: Any = None

    def variables(self) -> list[Any]:
        """Everything that a state file holds, in order."""
        optimiser = self.optimiser.variables if self.optimiser else []
        return [*self.network.variables, *self.mean.variables, *optimiser]


@dataclass(frozen=True, slots=True)
class Course:
    """A cycle with what it learns from, and where it stands among all epochs."""

    cycle: Cycle
    pictures: Pictures
    begin: int  # of its first epoch
    steps: int  # in one epoch

    @property
    def end(self) -> int:
        """The first epoch after it."""
        return self.begin + self.cycle.epochs

    def done(self, epoch: int) -> int:
        """Steps of this cycle before that epoch."""
        return min(max(epoch - self.begin, 0), self.cycle.epochs) * self.steps


def courses(lessons: Lessons, settings: StillsSettings) -> Iterator[Course]:
    """The cycles for which there are pictures, one after the other."""
    begin = 0
    for cycle in settings.cycles:
        if pictures := lessons.get(cycle.of):
            yield Course(cycle, pictures, begin, max(len(pictures) // settings.batch, 1))
            begin += cycle.epochs


def train_trunk(lessons: Lessons, settings: StillsSettings, run: Path, progress: Progress) -> keras.Model:
    """Train, or go on where an earlier call stopped: the mean network, (N, 48, 48, 1) -> (N, sources, labels).

    Raises ConfigurationError when that call had another recipe or other pictures.
    """
    origins = origins_of(lessons, settings)
    require_same(origins, run)
    keras.utils.set_random_seed(SEED)
    network, mean = (still_network(SIZE, len(EMOTIONS)) for _ in range(2))
    learner = Learner(network, mean)
    restore(learner, run / STATE)
    plan = list(courses(lessons, settings))
    total = sum(course.done(course.end) for course in plan)
    task = progress.add_task("stills", total=total, completed=sum(course.done(learner.epoch) for course in plan))
    for loss in (loss for course in plan for loss in _losses(learner, course, settings, origins, run)):
        progress.update(task, advance=1, description=f"stills, loss {loss:.3f}")
    return learner.mean


def origins_of(lessons: Lessons, settings: StillsSettings) -> dict[str, Any]:
    """What makes a training another one: the recipe's settings, its cycles, and each kind of pictures."""
    values = json.loads(json.dumps(asdict(settings)))
    cycles = values.pop("cycles")
    return {"settings": values, "cycles": cycles} | {name: pictures.digest() for name, pictures in lessons.items()}


def require_same(origins: dict[str, Any], run: Path) -> None:
    """Raises ConfigurationError when the run's folder holds another training, of which this one is no continuation."""
    if not (run / STATE).exists():
        return
    with np.load(run / STATE) as arrays:
        before = json.loads(str(arrays["origins"])) if "origins" in arrays else NOTHING
    now = {**origins, "cycles": origins["cycles"][: len(before["cycles"])]}
    if others := [name for name, origin in now.items() if before.get(name, origin) != origin]:
        raise ConfigurationError(
            f"{run} holds a training with other {' and '.join(others)}: take another folder, or remove its {STATE}"
        )


def _losses(
    learner: Learner, course: Course, settings: StillsSettings, origins: dict[str, Any], run: Path
) -> Iterator[float]:
    """Train what is left of a cycle, telling the loss of each step."""
    if learner.epoch >= course.end:
        return
    learner.optimiser = make_optimiser(learner, course, settings)
    if learner.epoch > course.begin:
        restore(learner, run / STATE)
    else:
        learner.mean.set_weights(learner.network.get_weights())
    weights = settings.loss_of.get(course.cycle.of, settings.loss)
    step = _step(learner, weights, settings.label_smoothing)
    while learner.epoch < course.end:
        random = np.random.default_rng((SEED, learner.epoch))
        shown = batches(course.pictures, settings.batch, course.steps, random)
        for number, (images, targets) in enumerate(shown, 1):
            done = course.done(learner.epoch) + number
            memory = min(MEMORY, done / (done + MEMORY_RAMP))
            yield float(step(images, targets, tf.constant(memory, tf.float32)))
        learner.epoch += 1
        keep(learner, origins, run)


def make_optimiser(learner: Learner, course: Course, settings: StillsSettings) -> Any:
    """AdamW, whose rate rises over the first steps of a cycle and then follows a cosine."""
    cycle = course.cycle
    rate = keras.optimizers.schedules.CosineDecay(
        cycle.learning_rate / 100,
        max(course.done(course.end) - WARMUP_STEPS, 1),
        alpha=LEAST_RATE,
        warmup_target=cycle.learning_rate,
        warmup_steps=WARMUP_STEPS,
    )
    optimiser = keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay, clipnorm=LARGEST_GRADIENT)
    optimiser.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    optimiser.build(learner.network.trainable_variables)
    return optimiser


def _step(learner: Learner, shares: Mapping[str, float], smoothing: float) -> Any:
    """One step of gradient descent, compiled: images, targets and memory -> loss."""
    weights = tf.constant([shares.get(source, 0.0) for source in SOURCES])
    pairs = [(kept, now) for kept, now in zip(learner.mean.variables, learner.network.variables, strict=True)]
    pairs = [(kept, now) for kept, now in pairs if kept.dtype == "float32"]  # not the state of the dropout

    @tf.function  # type: ignore[untyped-decorator]
    def step(images: Any, targets: Any, memory: Any) -> Any:
        smooth = targets * (1 - smoothing) + smoothing / targets.shape[-1]
        with tf.GradientTape() as tape:
            scores = tf.nn.log_softmax(learner.network(images, training=True))  # (N, sources, labels)
            losses = -tf.reduce_sum(smooth * scores, -1)
            loss = tf.reduce_mean(tf.reduce_sum(losses * weights, -1)) / tf.reduce_sum(weights)
        trained = learner.network.trainable_variables
        learner.optimiser.apply_gradients(zip(tape.gradient(loss, trained), trained, strict=True))
        for kept, now in pairs:
            kept.assign(kept * memory + now * (1 - memory))
        return loss

    return step


def keep(learner: Learner, origins: dict[str, Any], run: Path) -> None:
    """Write the state, and the mean network as it is now."""
    arrays = {f"variable_{index}": keras.ops.convert_to_numpy(value) for index, value in enumerate(learner.variables())}
    run.mkdir(parents=True, exist_ok=True)
    half = run / f"half_{STATE}"
    np.savez(half, epoch=learner.epoch, origins=np.array(json.dumps(origins)), **arrays)
    half.replace(run / STATE)
    learner.mean.save(run / STILLS_MODEL)


def restore(learner: Learner, path: Path) -> None:
    """Take over the state of an earlier call, if there is one; the optimiser's too, where the learner has one."""
    if not path.exists():
        return
    with np.load(path) as arrays:
        learner.epoch = int(arrays["epoch"])
        for index, variable in enumerate(learner.variables()):
            variable.assign(arrays[f"variable_{index}"])
