"""Results of a model with the layer for predictions relative to a baseline, with known outputs of the layer."""

import numpy as np

from duygu.shared.schemas.model import RelativeModel
from duygu.shared.schemas.result import Face, Result, Window


def with_layer(result: Result) -> Result:
    """Return a result whose windows have outputs of the layer, drawn at random, always the same."""
    random = np.random.default_rng(0)
    labels = result.model.labels
    bias = [round(float(value), 4) for value in random.normal(size=len(labels))]
    layer = RelativeModel(
        labels=labels, candidates=labels, bias=bias, temperature=0.4, uncertain_below=0.6, certain_means=0.7
    )
    faces = [face.model_copy(update={"windows": _with_outputs(face, labels, random)}) for face in result.faces]
    return result.model_copy(update={"model": result.model.model_copy(update={"relative": layer}), "faces": faces})


def _with_outputs(face: Face, labels: list[str], random: np.random.Generator) -> list[Window]:
    rows = np.round(random.normal(size=(len(face.windows), len(labels))), 3).tolist()
    pairs = zip(face.windows, rows, strict=True)
    return [window.model_copy(update={"relative_logits": row}) for window, row in pairs]
