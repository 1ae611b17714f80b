"""The models of a worker, loaded once: face detector and classifier, of the ONNX or the reference engine."""

from dataclasses import dataclass, fields, replace

import cv2
import numpy as np

from duygu.shared.errors import ModelError
from duygu.shared.model.folder import (
    FEATURE_STATISTICS,
    RELATIVE,
    SECOND_HEAD,
    SECOND_TRUNK,
    ModelFolder,
    open_model_folder,
)
from duygu.shared.model.movement_folder import open_movement_folder
from duygu.shared.model.recipe import Recipe
from duygu.shared.runtime.processes.standby import Standby
from duygu.shared.schemas.model import ModelInfo
from duygu.shared.vision.classify.adaptive_temperature import AdaptiveTemperature, open_adaptive_temperature
from duygu.shared.vision.classify.classifier import open_classifier
from duygu.shared.vision.classify.movements import MovementNetwork
from duygu.shared.vision.classify.relative import RelativeHead, open_relative_head
from duygu.shared.vision.classify.second_trunk import CropPattern, SecondTrunk, open_second_trunk
from duygu.shared.vision.detect.mtcnn import Mtcnn
from duygu.shared.vision.options import MAX_FACES, MIN_FACE, EngineKind, EngineOptions
from duygu.shared.vision.types import Classifier, CropClassifier, Detector, GatedClassifier


@dataclass(frozen=True, slots=True)
class Engine:
    """Face detector and classifier with their metadata."""

    detector: Detector
    classifier: Classifier
    model: ModelInfo
    min_face: float = MIN_FACE
    """Minimum size of a detected face, as a share of the shorter side of the frame."""

    max_faces: int = MAX_FACES
    """Maximum number of faces tracked at the same time."""

    kind: EngineKind = "onnx"

    movements: MovementNetwork | None = None
    """The network for facial movements, loaded when it is first used."""

    own_recipe: Recipe | None = None
    """The classifier's recipe with another threshold of `uncertain`; None: as it is."""

    relative: RelativeHead | None = None
    """The layer for predictions relative to a person's baseline; None where the model has none."""

    keeps_features: bool = False
    """Whether windows have their features, as training and evaluation need them. They take a kilobyte a window."""

    second_trunk: CropPattern | None = None
    """A `SecondTrunk`, which corrects the output for moving faces, or the crops for it, which training stores."""

    adaptive_temperature: AdaptiveTemperature | None = None
    """By what the logits for moving faces are multiplied; None where one temperature fits all windows."""

    alternating: bool = False
    """Whether every second window of a face is mirrored, so that windows can share the features of their crops."""

    decoder: Standby | None = None
    """A decoding process that waits for its video; None: it is started with each video."""

    @property
    def recipe(self) -> Recipe:
        """The recipe of the classifier's clips."""
        return self.own_recipe or self.classifier.recipe

    @property
    def movement_names(self) -> tuple[str, ...]:
        """Names of the movements that the engine measures; empty without a movement network."""
        return self.movements.names if self.movements else ()

    def with_options(self, min_face: float | None, max_faces: int | None) -> "Engine":
        """The engine with other limits of faces; None keeps a limit. The models are shared."""
        smallest = self.min_face if min_face is None else min_face
        most = self.max_faces if max_faces is None else max_faces
        if (smallest, most) == (self.min_face, self.max_faces):
            return self
        detector = self.detector.with_limits(min_face=smallest, max_faces=most)
        return replace(self, detector=detector, min_face=smallest, max_faces=most)


def load_engine(options: EngineOptions, decoder: Standby | None = None) -> Engine:
    """Load the models that the options select, while the decoding process for the first video starts, if there is one.

    Raises ModelError if a file is missing, damaged or incompatible.
    """
    folder = open_model_folder(options.model)
    detector, classifier = _parts(options, folder)
    _require_same(folder.recipe, classifier.recipe)
    info = folder.info(options.neutral)
    movements, own_recipe = _movements(options), None
    if options.uncertain_below is not None:
        own_recipe = classifier.recipe.with_threshold(options.uncertain_below)
        info = info.model_copy(update={"certain_means": None})
    relative = open_relative_head(folder) if options.kind == "onnx" and folder.is_divided else None
    if relative is None:
        info = info.model_copy(update={"relative": None})
    second_trunk = _second_trunk(options, folder, classifier, relative)
    limits = (options.min_face, options.max_faces)
    return Engine(
        detector,
        classifier,
        info,
        *limits,
        options.kind,
        movements,
        own_recipe,
        relative=relative,
        alternating=folder.is_divided,
        second_trunk=second_trunk,
        decoder=decoder,
        adaptive_temperature=_adaptive_temperature(folder, classifier),
    )


def _second_trunk(
    options: EngineOptions, folder: ModelFolder, classifier: Classifier, relative: RelativeHead | None
) -> SecondTrunk | None:
    """The second trunk of the folder. Raises ModelError if it does not fit the classifier or the other layer."""
    trunk = open_second_trunk(folder, threads=options.threads)
    if trunk:
        first = _width_beside(classifier, SECOND_TRUNK)
        if first != trunk.first_width:
            raise ModelError(f"{SECOND_HEAD} reads {trunk.first_width} features of the first trunk, which has {first}")
        _require_width(relative, 2 * first, 2 * (first + trunk.width))
    elif isinstance(classifier, CropClassifier):
        crop = np.zeros((1, *classifier.recipe.input_shape[1:]), np.float32)
        _require_width(relative, 2 * classifier.features(crop).shape[1])
    return trunk


def _adaptive_temperature(folder: ModelFolder, classifier: Classifier) -> AdaptiveTemperature | None:
    """The adaptive temperature of the folder. Raises ModelError if it does not fit the classifier."""
    adaptive = open_adaptive_temperature(folder)
    if adaptive and adaptive.width != (first := _width_beside(classifier, FEATURE_STATISTICS)):
        raise ModelError(f"{FEATURE_STATISTICS} has {adaptive.width} features of the first trunk, which has {first}")
    return adaptive


def _width_beside(classifier: Classifier, file: str) -> int:
    """Number of features of the trunk, which a file requires. Raises ModelError for a network without a motion gate."""
    if not isinstance(classifier, GatedClassifier):
        raise ModelError(f"{file} needs a network with a motion gate")
    _, _, means = classifier.gated(np.zeros((1, *classifier.recipe.input_shape), np.float32))
    return int(means.shape[1])


def _require_width(relative: RelativeHead | None, *widths: int) -> None:
    """Raise ModelError if the layer for relative predictions reads another number of features of a window."""
    if relative and relative.width not in widths:
        expected = " or ".join(map(str, widths))
        raise ModelError(f"{RELATIVE} reads {relative.width} features of a window, expected {expected}")


def _movements(options: EngineOptions) -> MovementNetwork | None:
    """The movement network, if its folder exists."""
    if options.movements is None or not options.movements.exists():
        return None
    return MovementNetwork(open_movement_folder(options.movements), threads=options.threads)


def _require_same(published: Recipe, embedded: Recipe) -> None:
    """Raise ModelError if the manifest, which the API publishes, and the network's file contain different recipes."""
    others = [field.name for field in fields(Recipe) if getattr(published, field.name) != getattr(embedded, field.name)]
    if others:
        raise ModelError(f"the model's manifest and its network do not have the same {', '.join(others)}")


def _parts(options: EngineOptions, folder: ModelFolder) -> tuple[Detector, Classifier]:
    if options.kind == "reference":
        return _reference_parts(options, folder)
    cv2.setNumThreads(1)  # with small pictures, more threads use 10% more CPU time and are not faster
    detector = Mtcnn(options.mtcnn, min_face=options.min_face, max_faces=options.max_faces)
    return detector, open_classifier(folder, threads=options.threads)


def _reference_parts(options: EngineOptions, folder: ModelFolder) -> tuple[Detector, Classifier]:
    # torch and TensorFlow are an optional extra, and take seconds to import.
    try:
        from duygu.shared.vision.reference import ReferenceClassifier, ReferenceDetector
    except ImportError as error:
        raise ModelError("the reference engine is not installed: it is the extra `reference`") from error
    return ReferenceDetector(min_face=options.min_face), ReferenceClassifier(folder)
