"""The models of a worker, loaded once: face detector and classifier, of the ONNX or the reference engine."""

from dataclasses import dataclass, fields

import cv2

from duygu.shared.config import Settings
from duygu.shared.errors import ModelError
from duygu.shared.model.folder import ModelFolder, open_model_folder
from duygu.shared.model.recipe import Recipe
from duygu.shared.schemas import ModelInfo
from duygu.shared.vision.classify.classifier import OnnxClassifier
from duygu.shared.vision.detect.mtcnn import MAX_FACES, Mtcnn
from duygu.shared.vision.types import Classifier, Detector


@dataclass(frozen=True, slots=True)
class Engine:
    """Face detector and classifier with their metadata."""

    detector: Detector
    classifier: Classifier
    model: ModelInfo
    max_faces: int = MAX_FACES
    """Maximum number of faces tracked at the same time."""

    @property
    def recipe(self) -> Recipe:
        """The recipe of the classifier's clips."""
        return self.classifier.recipe


def load_engine(settings: Settings) -> Engine:
    """Load the models that the settings select. Raises ModelError if a file is missing, damaged or incompatible."""
    folder = open_model_folder(settings.model)
    detector, classifier = _parts(settings, folder)
    _require_same(folder.recipe, classifier.recipe)
    return Engine(detector, classifier, folder.info(settings.neutral), settings.max_faces)


def _require_same(published: Recipe, embedded: Recipe) -> None:
    """Raise ModelError if the manifest, which the API publishes, and the network's file contain different recipes."""
    others = [field.name for field in fields(Recipe) if getattr(published, field.name) != getattr(embedded, field.name)]
    if others:
        raise ModelError(f"the model's manifest and its network do not have the same {', '.join(others)}")


def _parts(settings: Settings, folder: ModelFolder) -> tuple[Detector, Classifier]:
    if settings.engine == "reference":
        return _reference_parts(settings, folder)
    cv2.setNumThreads(1)  # with small pictures, more threads use 10% more CPU time and are not faster
    detector = Mtcnn(settings.mtcnn, min_face=settings.min_face, max_faces=settings.max_faces)
    return detector, OnnxClassifier(folder, threads=settings.threads)


def _reference_parts(settings: Settings, folder: ModelFolder) -> tuple[Detector, Classifier]:
    # torch and TensorFlow are an optional extra, and take seconds to import.
    try:
        from duygu.shared.vision.reference import ReferenceClassifier, ReferenceDetector
    except ImportError as error:
        raise ModelError("the reference engine is not installed: it is the extra `reference`") from error
    return ReferenceDetector(settings), ReferenceClassifier(folder)
