"""Reference engine: facenet-pytorch's MTCNN and the Keras model. Slow; the ONNX engine is tested against it.

It is also the only engine that runs on a GPU: torch and TensorFlow each use one if available. torch must be imported
before TensorFlow, because a CUDA build of torch crashes when it is imported second.
"""

import copy
from functools import cached_property

# isort: off
import torch
from facenet_pytorch import MTCNN
from facenet_pytorch.models.utils.detect_face import bbreg, imresample, pad
import h5py
import keras

# isort: on
import numpy as np

from duygu.shared.errors import ModelError
from duygu.shared.model.folder import ModelFolder
from duygu.shared.model.recipe import Recipe
from duygu.shared.vision.classify.classifier import RECIPE_KEY
from duygu.shared.vision.detect.boxes import squares
from duygu.shared.vision.detect.mtcnn import OUTPUT_SIDE, PATCH, REFINEMENT_SIDE, THRESHOLDS
from duygu.shared.vision.types import Detections, Floats, Frame

LEAST = 1e-30
"""Lower bound of probabilities before taking the logarithm."""


class ReferenceDetector:
    """`Detector` that wraps facenet-pytorch's MTCNN."""

    def __init__(self, *, min_face: float) -> None:
        """Load the weights that are bundled with facenet-pytorch.

        min_face  smallest face, as a share of the shorter side of the frame
        """
        self._min_face = min_face
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self._mtcnn = MTCNN(device=device, thresholds=list(THRESHOLDS), select_largest=False)

    def detect(self, frame: Frame) -> Detections:
        """Detect all faces of the frame."""
        self._mtcnn.min_face_size = max(min(frame.rgb.shape[:2]) * self._min_face, PATCH)
        if min(frame.rgb.shape[:2]) < PATCH:
            return Detections.none()
        boxes, scores, landmarks = self._mtcnn.detect(frame.rgb, landmarks=True)
        if boxes is None:
            return Detections.none()
        factor = np.float32(frame.scale)
        return Detections(
            boxes.astype(np.float32) * factor, scores.astype(np.float32), landmarks.astype(np.float32) * factor
        )

    def detect_near(self, frame: Frame, boxes: Floats) -> Detections:
        """Detect all faces of the frame."""
        return self.detect(frame)

    def refine(self, frame: Frame, boxes: Floats) -> Detections:
        """Run R-Net and O-Net on each box, as the last two stages of facenet-pytorch's detect_face."""
        if not len(boxes):
            return Detections.none()
        around = torch.from_numpy(squares(boxes / np.float32(frame.scale)))
        picture = torch.from_numpy(frame.rgb.copy()).permute(2, 0, 1)[None].float()
        outputs = [self._located(picture, self._adjusted(picture, box[None])) for box in around]
        found, scores, landmarks = (np.stack(part).astype(np.float32) for part in zip(*outputs, strict=True))
        factor = np.float32(frame.scale)
        return Detections(found * factor, np.where(scores > THRESHOLDS[2], scores, np.float32(0)), landmarks * factor)

    def with_limits(self, *, min_face: float, max_faces: int) -> "ReferenceDetector":
        """The same networks for another smallest face."""
        other = copy.copy(self)
        other._min_face = min_face
        return other

    def _adjusted(self, picture: torch.Tensor, box: torch.Tensor) -> torch.Tensor:
        """Apply R-Net's box regression to a square box (1, 4). A box without pixels is returned unchanged."""
        crop = _crop(picture, box, REFINEMENT_SIDE)
        if crop is None:
            return box
        with torch.no_grad():
            shifts, _ = self._mtcnn.rnet(crop.to(self._mtcnn.device))
        return torch.from_numpy(squares(bbreg(box.clone(), shifts.cpu()).numpy()))

    def _located(self, picture: torch.Tensor, box: torch.Tensor) -> tuple[Floats, float, Floats]:
        """Apply O-Net to a square box (1, 4): box (4,), score and landmarks (5, 2)."""
        crop = _crop(picture, box, OUTPUT_SIDE)
        if crop is None:
            return np.zeros(4, np.float32), 0.0, np.zeros((5, 2), np.float32)
        with torch.no_grad():
            shifts, points, classes = self._mtcnn.onet(crop.to(self._mtcnn.device))
        sides = box[0, 2:] - box[0, :2] + 1
        landmarks = points.cpu().reshape(2, 5).T * sides + box[0, :2] - 1
        return bbreg(box.clone(), shifts.cpu())[0].numpy(), float(classes[0, 1]), landmarks.numpy()


def _crop(picture: torch.Tensor, box: torch.Tensor, side: int) -> torch.Tensor | None:
    """Crop a square box (1, 4) from a picture (1, 3, h, w): (1, 3, side, side), or None if the box has no pixels."""
    (top,), (bottom,), (left,), (right,) = pad(box, picture.shape[3], picture.shape[2])
    if bottom < top or right < left:
        return None
    crop: torch.Tensor = imresample(picture[:, :, top - 1 : bottom, left - 1 : right], (side, side))
    return (crop - 127.5) * 0.0078125


GATE, MEAN = "gate", "mean"
"""Names of the layers of the Keras model: the motion gate, and the mean of the features over the crops."""


class ReferenceClassifier:
    """`Classifier` that wraps the Keras model. The recipe is an attribute of the HDF5 file."""

    def __init__(self, folder: ModelFolder) -> None:
        """Load the network. Raises ModelError if the folder has no Keras model or if its recipe is invalid."""
        if folder.h5 is None:
            raise ModelError("the model folder has no Keras model, which the reference engine needs")
        with h5py.File(folder.h5) as file:
            self._recipe = Recipe.from_json(str(file.attrs.get(RECIPE_KEY, "")))
        self._model = keras.models.load_model(folder.h5, compile=False)

    @property
    def recipe(self) -> Recipe:
        """The recipe of the clips that the model expects."""
        return self._recipe

    def logits(self, clips: Floats) -> Floats:
        """(N, frames, size, size, 1) normalised clips -> (N, labels) logits.

        If the model ends in a softmax, the logarithms of its probabilities are returned, which are valid logits.
        """
        if not len(clips):
            return np.zeros((0, len(self._recipe.labels)), np.float32)
        outputs = np.asarray(self._model.predict(clips, verbose=0), np.float32)
        return np.log(np.maximum(outputs, LEAST)) if self._ends_in_softmax() else outputs

    def gated(self, clips: Floats) -> tuple[Floats, Floats, Floats]:
        """(N, frames, size, size, 1) normalised clips -> logits (N, labels), gates (N,) and mean features (N, F).

        Raises ModelError for a network without a gate.
        """
        outputs = [np.asarray(values, np.float32) for values in self._parts.predict(clips, verbose=0)]
        logits, gates, means = outputs
        return logits, gates.reshape(-1), means.reshape(len(clips), -1)

    @cached_property
    def _parts(self) -> keras.Model:
        """The network with the gate and the mean features as further outputs."""
        try:
            layers = [self._model.get_layer(name).output for name in (GATE, MEAN)]
        except ValueError as error:
            raise ModelError("the Keras model has no motion gate, which a second trunk needs") from error
        return keras.Model(self._model.inputs, [self._model.outputs[0], *layers])

    def _ends_in_softmax(self) -> bool:
        last = self._model.layers[-1]
        return isinstance(last, keras.layers.Softmax) or getattr(last, "activation", None) is keras.activations.softmax
