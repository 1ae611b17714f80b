"""The 3D CNN on ONNX Runtime, undivided or as trunk and head.

The int8-quantised form is used if it exists and the CPU runs it efficiently.
"""

import numpy as np

from duygu.shared.errors import ModelError
from duygu.shared.model.folder import HEAD, MADE_FROM, ONNX, TRUNK, ModelFolder
from duygu.shared.model.recipe import Recipe
from duygu.shared.vision.detect.onnx_session import has_int8_dot_product, open_session
from duygu.shared.vision.types import Classifier, Floats

RECIPE_KEY = "recipe"
"""Key of the recipe in a model file: a metadata property in ONNX, an attribute in HDF5."""

BATCH = 8
"""Batch size, so that memory does not grow with the number of faces."""


class OnnxClassifier:
    """`Classifier` that reads its recipe from the metadata of the model file."""

    def __init__(self, folder: ModelFolder, *, threads: int = 1) -> None:
        """Load the network and run it once. Raises ModelError if it does not match its recipe."""
        int8 = folder.int8 if has_int8_dot_product() else None
        self._session = open_session(int8 or folder.onnx, threads)
        metadata = self._session.get_modelmeta().custom_metadata_map
        if int8 and metadata.get(MADE_FROM) != folder.manifest.files[ONNX]:
            raise ModelError(f"{int8.name} was quantised from a network other than {ONNX}")
        self._recipe = Recipe.from_json(metadata.get(RECIPE_KEY, ""))
        self._input = self._session.get_inputs()[0].name
        self._check()

    @property
    def recipe(self) -> Recipe:
        """The recipe of the clips that the model expects."""
        return self._recipe

    def logits(self, clips: Floats) -> Floats:
        """(N, frames, size, size, 1) normalised clips -> (N, labels) logits."""
        if not len(clips):
            return np.zeros((0, len(self._recipe.labels)), np.float32)
        batches = [clips[start : start + BATCH] for start in range(0, len(clips), BATCH)]
        return np.concatenate([self._session.run(None, {self._input: batch})[0] for batch in batches])

    def _check(self) -> None:
        try:
            logits = self.logits(np.zeros((2, *self._recipe.input_shape), np.float32))
        except Exception as error:  # ONNX Runtime's exceptions have no other common base class
            raise ModelError(
                f"the network rejects clips of shape {self._recipe.input_shape}, which its recipe requires"
            ) from error
        if logits.shape != (2, labels := len(self._recipe.labels)):
            shape = logits.shape
            raise ModelError(f"the network's output for 2 clips has shape {shape}; its recipe requires (2, {labels})")


class DividedClassifier:
    """`CropClassifier`: the trunk processes single crops, the head the features of a clip."""

    def __init__(self, folder: ModelFolder, *, threads: int = 1, int8: bool = True) -> None:
        """Load both parts and run them once. Raises ModelError if they do not belong to the folder's network.

        int8  whether the int8-quantised trunk is used, if it exists and the CPU runs it efficiently
        """
        quantised = folder.trunk_int8 if int8 and has_int8_dot_product() else None
        self._trunk, self._head = (open_session(path, threads) for path in (quantised or folder.trunk, folder.head))
        for name, session in ((TRUNK, self._trunk), (HEAD, self._head)):
            metadata = session.get_modelmeta().custom_metadata_map
            if metadata.get(MADE_FROM) != folder.manifest.files[ONNX]:
                raise ModelError(f"{name} is a part of a network other than {ONNX}")
        self._recipe = Recipe.from_json(metadata.get(RECIPE_KEY, ""))
        self._check()

    @property
    def recipe(self) -> Recipe:
        """The recipe of the clips that the model expects."""
        return self._recipe

    def features(self, crops: Floats) -> Floats:
        """(N, size, size, 1) normalised crops -> (N, F) features."""
        size = self._recipe.size
        (features,) = self._trunk.run(None, {"crops": crops.reshape(-1, 1, size, size)})
        return np.asarray(features[:, :, 0, 0], np.float32)

    def head(self, features: Floats) -> Floats:
        """(N, frames, F) features of clips -> (N, labels) logits."""
        return self.gated_head(features)[0]

    def gated_head(self, features: Floats) -> tuple[Floats, Floats | None]:
        """The same, and the gates (N,) by which the output for moving faces is multiplied; None without a gate."""
        rows = features.reshape(-1, features.shape[-1], 1, 1)
        logits, *gates = self._head.run(None, {"features": rows})
        return np.asarray(logits, np.float32), np.asarray(gates[0], np.float32).reshape(-1) if gates else None

    def gated(self, clips: Floats) -> tuple[Floats, Floats, Floats]:
        """(N, frames, size, size, 1) normalised clips -> logits (N, labels), gates (N,) and mean features (N, F).

        Raises ModelError for a head without a gate.
        """
        features = self._features(clips)
        logits, gates = self.gated_head(features)
        if gates is None:
            raise ModelError(f"{HEAD} has no output for the motion gate: export the network again")
        return logits, gates, np.asarray(features.mean(axis=1), np.float32)

    def logits(self, clips: Floats) -> Floats:
        """(N, frames, size, size, 1) normalised clips -> (N, labels) logits."""
        if not len(clips):
            return np.zeros((0, len(self._recipe.labels)), np.float32)
        return np.concatenate([self._of_batch(clips[start : start + BATCH]) for start in range(0, len(clips), BATCH)])

    def _of_batch(self, clips: Floats) -> Floats:
        return self.head(self._features(clips))

    def _features(self, clips: Floats) -> Floats:
        """(N, frames, F) features of the clips, the second half of each mirrored."""
        half, size = clips.shape[1] // 2, self._recipe.size
        crops = np.concatenate([clips[:, :half], clips[:, half:, :, ::-1]], axis=1).reshape(-1, size, size, 1)
        return self.features(crops).reshape(*clips.shape[:2], -1)

    def _check(self) -> None:
        try:
            logits = self.logits(np.zeros((2, *self._recipe.input_shape), np.float32))
        except Exception as error:  # ONNX Runtime's exceptions have no other common base class
            raise ModelError(f"trunk and head reject clips of shape {self._recipe.input_shape}") from error
        if logits.shape != (2, labels := len(self._recipe.labels)):
            raise ModelError(
                f"the head's output for 2 clips has shape {logits.shape}; its recipe requires (2, {labels})"
            )


def open_classifier(folder: ModelFolder, *, threads: int = 1) -> Classifier:
    """Load the network of a folder, as trunk and head where the folder has these. Raises ModelError."""
    return (DividedClassifier if folder.is_divided else OnnxClassifier)(folder, threads=threads)
