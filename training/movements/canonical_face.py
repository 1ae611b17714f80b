"""MediaPipe's canonical face: the vertices and weights of its geometry_pipeline_metadata, a protocol buffer."""

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from duygu.shared.errors import TrainingDataError
from duygu.shared.vision.classify.movements import Doubles

MESH, BASIS, VERTICES = 1, 2, 3
"""Field numbers: the mesh and the entries of the Procrustes basis of the metadata, the vertices of the mesh."""

VERTEX = 5
"""Numbers of a vertex: position in space and in the texture."""

VARINT, BYTES, FLOAT = 0, 2, 5
"""Wire types of protocol buffers."""


class CanonicalFace:
    """The face that looks straight ahead, to which the pose of a head is relative."""

    def __init__(self, metadata: bytes) -> None:
        """Raises TrainingDataError for data of another format."""
        mesh = [value for field, value in _fields(metadata) if field == MESH]
        entries = [dict(_fields(value)) for field, value in _fields(metadata) if field == BASIS]
        if not mesh or not entries:
            raise TrainingDataError("the face landmarker has no canonical face")
        numbers = [value for field, value in _fields(mesh[0]) if field == VERTICES]
        self._chosen = [int(entry.get(1, 0)) for entry in entries]
        weights = np.array([entry[2] for entry in entries])
        self._weights = weights / weights.sum()
        vertices = np.array(numbers).reshape(-1, VERTEX)[self._chosen, :3]
        self._vertices = vertices - self._weights @ vertices

    def pose(self, points: Doubles) -> Doubles:
        """Yaw, pitch and roll in degrees of landmarks (478, 3), by a weighted Procrustes fit (Kabsch 1976)."""
        seen = points[self._chosen] * [1, -1, -1]  # y up, z towards the viewer
        seen = seen - self._weights @ seen
        left, _, right = np.linalg.svd((self._vertices * self._weights[:, np.newaxis]).T @ seen)
        mirror = np.diag([1, 1, np.sign(np.linalg.det(left @ right))])
        turn = (left @ mirror @ right).T
        yaw, pitch = np.arctan2(turn[0, 2], turn[2, 2]), np.arcsin(np.clip(turn[1, 2], -1, 1))
        return np.degrees([yaw, pitch, -np.arctan2(turn[1, 0], turn[1, 1])])


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a message in order: number, and integer, float or bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
        elif kind == FLOAT:
            yield key >> 3, struct.unpack_from("<f", message, at)[0]
            at += 4
        elif kind == BYTES:
            length, at = _varint(message, at)
            yield key >> 3, message[at : at + length]
            at += length
        else:
            raise TrainingDataError(f"the canonical face has a field of the unknown wire type {kind}")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
