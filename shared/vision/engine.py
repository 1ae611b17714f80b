"""What a worker loads once and keeps: the face detector and the network, of one kind or the other."""

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
    """Everything that is needed to read emotions off frames."""

    detector: Detector
    classifier: Classifier
    model: ModelInfo
    max_faces: int = MAX_FACES
    """Faces that are followed at the same time."""

    @property
    def recipe(self) -> Recipe:
        """How clips are made for this engine's network."""
        return self.classifier.recipe


def load_engine(settings: Settings) -> Engine:
    """Load the models that the settings name. Raises ModelError when one is missing, damaged or foreign."""
    folder = open_model_folder(settings.model)
    detector, classifier = _parts(settings, folder)
    _require_same(folder.recipe, classifier.recipe)
    return Engine(detector, classifier, folder.info(settings.neutral), settings.max_faces)


def _require_same(told: Recipe, followed: Recipe) -> None:
    """Raises ModelError where the manifest, which the API tells of, has another recipe than the network's own file."""
    others = [field.name for field in fields(Recipe) if getattr(told, field.name) != getattr(followed, field.name)]
    if others:
        raise ModelError(f"the model's manifest and its network do not have the same {', '.join(others)}")


def _parts(settings: Settings, folder: ModelFolder) -> tuple[Detector, Classifier]:
    if settings.engine == "reference":
        return _reference_parts(settings, folder)
    cv2.setNumThreads(1)  # on pictures so small, its threads take a tenth more of the processor and save no time
    detector = Mtcnn(settings.mtcnn, min_face=settings.min_face, max_faces=settings.max_faces)
    return detector, OnnxClassifier(folder, threads=settings.threads)


def _reference_parts(settings: Settings, folder: ModelFolder) -> tuple[Detector, Classifier]:
    # torch and TensorFlow are there only where somebody asked for them, and take seconds to import.
    try:
        from duygu.shared.vision.reference import ReferenceClassifier, ReferenceDetector
    except ImportError as error:
        raise ModelError("the reference engine is not installed: it is the extra `reference`") from error
    return ReferenceDetector(settings), ReferenceClassifier(folder)
