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

SECOND = "second"
"""Name of the array (N, G) of features by the second trunk; absent without one, and in states of earlier versions."""

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
    second: list[Floats] = []  # features by the second trunk
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
        "faces": [[key, _save_face(face, images, second)] for key, face in analyzer.faces.items()],
        "waiting": [[key, _save_clip(clip, images, second)] for key, clip in analyzer.waiting],
        "scene": [thumbnail is not None for thumbnail in (scene.last, scene.searched)],
    }
    arrays = {
        name: np.array([getattr(track, field) for track in analyzer.tracker.tracks]) for name, field in ARRAYS.items()
    }
    arrays["thumbnails"] = np.array([t for t in (scene.last, scene.searched) if t is not None])
    arrays["history"] = np.array(analyzer.tracker.transitions.history, np.uint8)
    arrays["patches"] = np.array([track.patch.picture for track in analyzer.tracker.tracks if track.patch])
    arrays["images"] = np.array(images, np.uint8)
    if second:
        arrays[SECOND] = np.array(second, np.float32)
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
    second = list(arrays[SECOND]) if SECOND in arrays and analyzer.engine.second_trunk else []
    analyzer.faces = {key: _load_face(face, analyzer.engine, images, second) for key, face in state["faces"]}
    analyzer.waiting = [(key, _load_clip(clip, analyzer.engine, images, second)) for key, clip in state["waiting"]]
    return analyzer


def _save_face(face: Face, images: list[Image], second: list[Floats]) -> list[Any]:
    images.extend(crop.image for crop in face.clips.crops)
    places = _stored([crop.second for crop in face.clips.crops], second)
    crops = [
        [crop.tick, crop.time_s, sorted(crop.flags), _listed(crop.movements), place]
        for crop, place in zip(face.clips.crops, places, strict=True)
    ]
    return [face.face_id, face.tick, face.unconfirmed, face.clips.due, face.clips.made, face.clips.stride, crops]


def _load_face(saved: list[Any], engine: Engine, images: Any, second: list[Floats]) -> Face:
    face_id, last_tick, unconfirmed, due, made, stride, crops = saved
    loaded = [
        Crop(tick, time_s, next(images), frozenset(map(Flag, flags)), _array(movements), _found(second, *place))
        for tick, time_s, flags, movements, *place in crops
    ]
    builder = ClipBuilder(engine.recipe, loaded, due, made, stride)
    positions: list[Unconfirmed] = [
        (time_s, box, score, pose and tuple(pose)) for time_s, box, score, pose in unconfirmed
    ]
    return Face(builder, face_id, last_tick, positions)


def _stored(values: list[Floats | None], second: list[Floats]) -> list[int | None]:
    """Add features to those of the state; the place of each. Crops that fill a gap share those of the crop before."""
    places: dict[int, int] = {}
    for value in values:
        if value is not None and id(value) not in places:
            places[id(value)] = len(second)
            second.append(value)
    return [None if value is None else places[id(value)] for value in values]


def _found(second: list[Floats], place: int | None = None) -> Floats | None:
    """The features at a place; None in states of earlier versions, and for an engine without a second trunk."""
    return second[place] if second and place is not None else None


def _listed(movements: Floats | None) -> list[Any] | None:
    return None if movements is None else movements.tolist()


def _array(movements: list[Any] | None) -> Floats | None:
    return None if movements is None else np.array(movements, np.float32)


def _save_clip(clip: Clip, images: list[Image], second: list[Floats]) -> list[Any]:
    images.extend(clip.images)
    places = _stored([] if clip.second is None else list(clip.second), second)
    return [clip.start_s, clip.end_s, list(clip.flags), _listed(clip.movements), clip.mirrored, places]


def _load_clip(saved: list[Any], engine: Engine, images: Any, second: list[Floats]) -> Clip:
    start_s, end_s, flags, movements, mirrored, *places = saved
    pictures = np.stack([next(images) for _ in range(engine.recipe.frames)])
    found = [features for place in (places[0] if places else []) if (features := _found(second, place)) is not None]
    return Clip(
        start_s,
        end_s,
        pictures,
        tuple(map(Flag, flags)),
        _array(movements),
        mirrored,
        second=np.stack(found) if found else None,
    )
