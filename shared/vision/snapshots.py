"""Serialised analyzer state, so that any worker can process the next frame of a live session.

The format is a bundle of plain arrays (shared/vision/array_bundle.py), one of them a JSON text. It contains no
executable code. The size is a few tens of kilobytes, mostly the crops of each face's open clip.
"""

import json
import struct
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from duygu.shared.schemas.result import Flag
from duygu.shared.vision import array_bundle
from duygu.shared.vision.analyzer import Analyzer, Face, Unconfirmed
from duygu.shared.vision.classify.clips import Clip, ClipBuilder, Crop
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.track.optical_flow import Patch
from duygu.shared.vision.track.track import Track
from duygu.shared.vision.track.transitions import TransitionDetector
from duygu.shared.vision.types import Floats, Image

VERSION = 9

ARRAYS = {
    "box": "box",
    "landmarks": "landmarks",
    "looks": "appearance",
    "first_looks": "first_appearance",
    "velocity": "velocity",
}
"""Array fields of a track, by their names in the bundle. The other fields are numbers, except the patch."""

STATE = "story"
"""Name of the JSON text in the bundle."""

UNREADABLE = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    OSError,
    EOFError,
    StopIteration,
    RuntimeError,
    struct.error,
)
"""Exceptions that can occur when reading bytes that `save` did not write, or that another version wrote."""

TRACKER = ("searched_s", "wait_s", "last_key", "found", "overflowed")
"""Fields of the tracker, except its tracks."""

SCALARS = tuple(field.name for field in fields(Track) if field.name not in {*ARRAYS.values(), "patch"})


def save(analyzer: Analyzer) -> bytes:
    """Serialise the state of an analyzer."""
    images: list[Image] = []
    scene = analyzer.tracker.scene
    state = {
        "version": VERSION,
        "recipe": analyzer.engine.recipe.to_json(),
        "tick": analyzer.sampler.last,
        "last_id": analyzer.last_id,
        "frames_analysed": analyzer.frames_analysed,
        "was_crowded": analyzer.was_crowded,
        "tracker": {name: getattr(analyzer.tracker, name) for name in TRACKER},
        "pace": [list(analyzer.tracker.pace.gaps), analyzer.tracker.pace.last_s],
        "tracks": [{name: getattr(track, name) for name in SCALARS} for track in analyzer.tracker.tracks],
        "patches": [track.patch and track.patch.area for track in analyzer.tracker.tracks],
        "faces": [[key, _save_face(face, images)] for key, face in analyzer.faces.items()],
        "waiting": [[key, _save_clip(clip, images)] for key, clip in analyzer.waiting],
        "scene": [thumbnail is not None for thumbnail in (scene.last, scene.searched)],
    }
    arrays = {
        name: np.array([getattr(track, field) for track in analyzer.tracker.tracks]) for name, field in ARRAYS.items()
    }
    arrays["thumbnails"] = np.array([t for t in (scene.last, scene.searched) if t is not None])
    arrays["history"] = np.array(analyzer.tracker.transitions.history, np.uint8)
    arrays["patches"] = np.array([track.patch.picture for track in analyzer.tracker.tracks if track.patch])
    arrays["images"] = np.array(images, np.uint8)
    arrays[STATE] = np.frombuffer(json.dumps(state).encode(), np.uint8)
    return array_bundle.pack(arrays)


def restore(engine: Engine, data: bytes, *, batch: int = 1) -> Analyzer:
    """Restore a saved analyzer. Raises ValueError if the state is damaged or of another version or recipe."""
    try:
        arrays = array_bundle.unpack(data)
        state = json.loads(arrays[STATE].tobytes())
        known = (state["version"], state["recipe"]) == (VERSION, engine.recipe.to_json())
        analyzer = _rebuild(Analyzer(engine, batch=batch), state, arrays) if known else None
    except UNREADABLE as error:
        raise ValueError("the state is damaged") from error
    if analyzer is None:
        raise ValueError("the state was saved by another version or for another recipe")
    return analyzer


def _rebuild(analyzer: Analyzer, state: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> Analyzer:
    tracker = analyzer.tracker
    analyzer.sampler.last, analyzer.last_id = state["tick"], state["last_id"]
    analyzer.frames_analysed, analyzer.was_crowded = state["frames_analysed"], state["was_crowded"]
    for name in TRACKER:
        setattr(tracker, name, state["tracker"][name])
    tracker.pace.restore(*state["pace"])
    pictures = iter(arrays["patches"])
    patches = [Patch(tuple(area), next(pictures)) if area else None for area in state["patches"]]
    tracker.tracks = [
        Track(
            **scalars, **{field: arrays[name][place].astype(np.float32) for name, field in ARRAYS.items()}, patch=patch
        )
        for place, (scalars, patch) in enumerate(zip(state["tracks"], patches, strict=True))
    ]
    thumbnails = iter(arrays["thumbnails"].astype(np.float32))
    tracker.scene.last, tracker.scene.searched = (next(thumbnails) if there else None for there in state["scene"])
    tracker.transitions = TransitionDetector.restored(arrays["history"])
    images = iter(arrays["images"])
    analyzer.faces = {key: _load_face(face, analyzer.engine, images) for key, face in state["faces"]}
    analyzer.waiting = [(key, _load_clip(clip, analyzer.engine, images)) for key, clip in state["waiting"]]
    return analyzer


def _save_face(face: Face, images: list[Image]) -> list[Any]:
    images.extend(crop.image for crop in face.clips.crops)
    crops = [[crop.tick, crop.time_s, sorted(crop.flags), _listed(crop.movements)] for crop in face.clips.crops]
    return [face.face_id, face.tick, face.unconfirmed, face.clips.due, face.clips.made, face.clips.stride, crops]


def _load_face(saved: list[Any], engine: Engine, images: Any) -> Face:
    face_id, last_tick, unconfirmed, due, made, stride, crops = saved
    loaded = [
        Crop(tick, time_s, next(images), frozenset(map(Flag, flags)), _array(movements))
        for tick, time_s, flags, movements in crops
    ]
    builder = ClipBuilder(engine.recipe, loaded, due, made, stride)
    positions: list[Unconfirmed] = [
        (time_s, box, score, pose and tuple(pose)) for time_s, box, score, pose in unconfirmed
    ]
    return Face(builder, face_id, last_tick, positions)


def _listed(movements: Floats | None) -> list[Any] | None:
    return None if movements is None else movements.tolist()


def _array(movements: list[Any] | None) -> Floats | None:
    return None if movements is None else np.array(movements, np.float32)


def _save_clip(clip: Clip, images: list[Image]) -> list[Any]:
    images.extend(clip.images)
    return [clip.start_s, clip.end_s, list(clip.flags), _listed(clip.movements), clip.mirrored]


def _load_clip(saved: list[Any], engine: Engine, images: Any) -> Clip:
    start_s, end_s, flags, movements, mirrored = saved
    pictures = np.stack([next(images) for _ in range(engine.recipe.frames)])
    return Clip(start_s, end_s, pictures, tuple(map(Flag, flags)), _array(movements), mirrored)
