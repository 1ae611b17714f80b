"""O-Net's boxes, made as large as those of the whole cascade."""

import numpy as np
import pytest

from shared.vision.bias import NONE, SHARE, bias_of, corrected

FOUND = np.array([10.0, 20.0, 50.0, 80.0], np.float32)
REFINED = np.array([14.0, 25.0, 46.0, 73.0], np.float32)


def test_a_whole_bias_leads_back_to_what_was_found() -> None:
    """Were all of a difference believed, O-Net's box would become the cascade's, wherever the face has gone."""
    bias = bias_of(FOUND, REFINED) / np.float32(SHARE)
    moved = np.array([100.0, 0.0, 100.0, 0.0], np.float32)
    both = corrected(np.stack([REFINED, REFINED + moved]), np.stack([bias, bias]))
    assert both == pytest.approx(np.stack([FOUND, FOUND + moved]), abs=1e-3)


def test_no_bias_changes_nothing() -> None:
    """A face that O-Net did not see when it was found is taken as O-Net sees it later."""
    assert corrected(REFINED[np.newaxis], NONE[np.newaxis])[0] == pytest.approx(REFINED)
