"""How O-Net's box of a face differs from that of the whole cascade, of the same face in the same frame.

Uncorrected, a box that is followed would change its size whenever the face is found anew, and the clip would tell of a
movement that was none. A bias is (3,): by how much the cascade's box is to the right and below, in widths and heights
of O-Net's, and the logarithm of how much larger it is.
"""

import numpy as np

from shared.vision.boxes import centres
from shared.vision.types import Floats

SHARE = 0.5
"""Of a difference, that is believed: the rest is jitter of the two boxes (docs/adr/0012)."""

NONE = np.zeros(3, np.float32)


def bias_of(found: Floats, refined: Floats) -> Floats:
    """What is believed of the difference between the cascade's box (4,) and O-Net's (4,)."""
    size, larger = refined[2:] - refined[:2], found[2:] - found[:2]
    right, down = (centres(found[np.newaxis]) - centres(refined[np.newaxis]))[0] / size
    growth = np.log(larger.max() / size.max())
    return np.array([right, down, growth], np.float32) * np.float32(SHARE)


def corrected(boxes: Floats, biases: Floats) -> Floats:
    """O-Net's boxes (N, 4) with the bias of each (N, 3) taken away."""
    sizes = boxes[:, 2:] - boxes[:, :2]
    middles, halves = centres(boxes) + biases[:, :2] * sizes, sizes * np.exp(biases[:, 2:]) / 2
    return np.asarray(np.concatenate([middles - halves, middles + halves], axis=1), np.float32)
