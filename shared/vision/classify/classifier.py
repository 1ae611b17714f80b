"""The 3D CNN on ONNX Runtime. The int8-quantised model is used if it exists and the CPU runs it efficiently."""

import numpy as np

from duygu.shared.errors import ModelError
from duygu.shared.model.folder import MADE_FROM, ONNX, ModelFolder
from duygu.shared.model.recipe import Recipe
from duygu.shared.vision.detect.onnx_session import has_int8_dot_product, open_session
from duygu.shared.vision.types import Floats

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
