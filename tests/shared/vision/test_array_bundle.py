"""Bundles of arrays: what is packed is unpacked, and bytes of another origin raise ValueError."""

import json

import numpy as np
import pytest

from duygu.shared.vision.array_bundle import LENGTH, Arrays, pack, unpack

ARRAYS: Arrays = {
    "floats": np.arange(12, dtype=np.float32).reshape(3, 4),
    "none": np.zeros((0, 5), np.float32),
    "pictures": np.arange(256, dtype=np.uint8).reshape(4, 8, 8).transpose(0, 2, 1),
    "number": np.array(1.5),
}


def test_arrays_come_back_as_they_were() -> None:
    """Names, types, shapes and elements are restored, and the arrays can be changed."""
    restored = unpack(pack(ARRAYS))
    assert list(restored) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert (restored[name].dtype, restored[name].shape) == (array.dtype, array.shape)
        assert (restored[name] == array).all()
        assert restored[name].flags.writeable


@pytest.mark.parametrize(
    "header",
    [
        None,
        7,
        [7],
        [["a", "O", [1]]],
        [["a", "nothing", [1]]],
        [["a", "<f4", [-1]]],
        [["a", "<f4", [True, "1"]]],
        [["a", "<f4", [10**12]]],
        [["a", "|u1", [7]]],
        [[[], "|u1", [8]]],
    ],
)
def test_invalid_headers_are_refused(header: object) -> None:
    """A header that does not describe the eight bytes behind it raises ValueError before memory is allocated."""
    encoded = json.dumps(header).encode()
    with pytest.raises(ValueError, match="bundle"):
        unpack(LENGTH.pack(len(encoded)) + encoded + bytes(8))


def test_truncated_bundles_are_refused() -> None:
    """No beginning of a bundle is a bundle."""
    whole = pack(ARRAYS)
    for length in range(0, len(whole), 7):
        with pytest.raises(ValueError, match="bundle"):
            unpack(whole[:length])
