"""Joining of analysed parts: the faces and windows of the whole video."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import cast

from duygu.shared.schemas.options import AnalysisOptions
from duygu.shared.schemas.packed import unpacked
from duygu.shared.schemas.result import Result, VideoInfo, Window
from duygu.shared.vision.analysis import assemble, require_options, result_converter
from duygu.shared.vision.analyzer import CROWDED, MAX_UNCOUNTED, TOO_MANY_FACES
from duygu.shared.vision.batching import classify
from duygu.shared.vision.classify.clips import Clip, ClipBuilder
from duygu.shared.vision.decode.video import Rotation
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.results import DECIMALS_S, FacePosition, WindowLogits
from duygu.shared.vision.split.part_analysis import part_origin
from duygu.shared.vision.split.part_file import PartFile, PartVideo
from duygu.shared.vision.split.plan import VideoPart
from duygu.shared.vision.split.seams import match_tracks
from duygu.shared.vision.split.unjoinable import UnjoinableError
from duygu.shared.vision.timeline import Timeline
from duygu.shared.vision.types import Floats

TRUNCATED = "truncated"
"""Warning code: the file breaks off. In one piece nothing behind it is analysed."""

BATCH = 8
"""Clips of deferred faces that are classified together."""


@dataclass(slots=True)
class JoinedFace:
    """One track of the video."""

    builder: ClipBuilder
    face_id: int | None = None  # None until it is confirmed
    confirmed_s: float = math.inf
    from_s: float = -math.inf  # positions before this time are dropped
    positions: list[FacePosition] = field(default_factory=list)  # of a face that is not confirmed
    pending: list[Clip | WindowLogits] = field(default_factory=list)  # that are not in the timeline yet
    recent: dict[float, Floats] = field(default_factory=dict)  # boxes before the next seam, by time

    def drop_oldest(self) -> None:
        """Drop all but the last MAX_UNCOUNTED clips of an unconfirmed face, as an analyzer does."""
        if len(self.pending) > MAX_UNCOUNTED:
            self.pending = self.pending[-MAX_UNCOUNTED:]
            self.from_s = self.pending[0].start_s


class PartJoiner:
    """Joins parts in their order. Memory is that of a timeline of the video."""

    def __init__(self, parts: Sequence[VideoPart], engine: Engine, options: AnalysisOptions) -> None:
        """Create a joiner before the first part. Raises the error of an option that the engine does not have."""
        require_options(engine, options)
        self._parts, self._options, self._origin = parts, options, part_origin(engine, options)
        self._engine = engine.with_options(options.min_face, options.max_faces)
        self._converter = result_converter(self._engine, options)
        self._timeline = Timeline(self._converter)
        self._videos: list[PartVideo] = []
        self._last_id = 0
        self._alive: list[JoinedFace] = []
        self._clips: list[tuple[int, Clip]] = []

    def add(self, file: PartFile) -> None:
        """Add the next part.

        Raises UnjoinableError for a part of another analysis, and if the size of the picture has changed.
        """
        self._check(file)
        faces = self._faces(file)
        self._confirm(file, faces)
        self._replay(file, faces)
        self._add_windows(file, faces)
        self._add_positions(file, faces)
        self._alive = [faces[track.face_id] for track in file.header.tracks if track.alive]
        self._restore_builders(file, faces)
        self._classify()

    def windows(self) -> Iterator[tuple[int, Window]]:
        """All windows with their faces, in the order of their ends."""
        return self._timeline.in_order()

    def result(self, job_id: str | None, *, in_lists: bool = True) -> Result:
        """The result of the whole video, after the last part. `in_lists` and errors as of `analyze_video`."""
        last = self._videos[-1]
        video = VideoInfo(
            duration_s=round(last.duration_s, DECIMALS_S),
            width=last.width,
            height=last.height,
            rotation=cast(Rotation, last.rotation),
            frames_decoded=sum(video.frames_decoded for video in self._videos),
            frames_analysed=sum(video.frames_analysed for video in self._videos),
            first_frame_s=round(last.first_frame_s, DECIMALS_S),
        )
        warnings = self._warnings()
        result = assemble(self._engine, self._options, self._timeline, self._converter, job_id, video, warnings)
        return unpacked(result) if in_lists else result

    def _warnings(self) -> list[tuple[str, str]]:
        """The warnings of all parts, each once, those about the file first."""
        found = dict.fromkeys(warning for video in self._videos for warning in video.warnings)
        return sorted(found, key=lambda warning: warning[0] in (TOO_MANY_FACES, CROWDED))

    def _check(self, file: PartFile) -> None:
        header, sizes = file.header, {(video.width, video.height, video.rotation) for video in self._videos}
        size = (header.video.width, header.video.height, header.video.rotation)
        if header.origin != self._origin or header.number != len(self._videos) or sizes - {size}:
            raise UnjoinableError("the parts of the video do not fit together")
        if not self._parts[header.number].is_last and TRUNCATED in dict(header.video.warnings):
            raise UnjoinableError("the video breaks off before its last part")
        self._videos.append(header.video)

    def _faces(self, file: PartFile) -> dict[int, JoinedFace]:
        """The faces of a part by their ids in it. Ends the faces that the part does not continue."""
        boxes: dict[int, dict[float, Floats]] = {}
        for position in file.before():
            boxes.setdefault(position.face_id, {})[position.time_s] = position.box
        deferred = [track.face_id for track in file.header.tracks if track.deferred]
        pairs = match_tracks([face.recent for face in self._alive], [boxes.get(face_id, {}) for face_id in deferred])
        faces = {deferred[place]: self._alive[other] for place, other in pairs.items()}
        for place, face in enumerate(self._alive):
            face.recent = {}
            if place not in pairs.values():
                self._release(face, face.builder.end())
        return {
            track.face_id: faces.get(track.face_id) or JoinedFace(ClipBuilder(self._engine.recipe))
            for track in file.header.tracks
        }

    def _confirm(self, file: PartFile, faces: Mapping[int, JoinedFace]) -> None:
        """Assign ids in the order of confirmation."""
        confirmed = [
            (max(track.confirmed_s, file.header.owned_from_s), track.key, faces[track.face_id])
            for track in file.header.tracks
            if track.confirmed_s is not None and faces[track.face_id].face_id is None
        ]
        for confirmed_s, _, face in sorted(confirmed, key=lambda entry: entry[:2]):
            self._last_id += 1
            face.face_id, face.confirmed_s = self._last_id, confirmed_s

    def _replay(self, file: PartFile, faces: Mapping[int, JoinedFace]) -> None:
        """Build the clips of deferred faces, which continue those of the part before."""
        tracks = {track.key: track for track in file.header.tracks if track.deferred}
        for addition, crop in file.log():
            face = faces[tracks[addition.key].face_id]
            clips = face.builder.add(
                crop, missed=addition.missed, usual_ticks=addition.usual_ticks, stretch=addition.stretch
            )
            if crop.time_s < face.confirmed_s:
                face.pending += clips
                face.drop_oldest()
            else:
                self._release(face, clips)
        for track in tracks.values():
            if not track.alive:
                self._release(faces[track.face_id], faces[track.face_id].builder.end())

    def _add_windows(self, file: PartFile, faces: Mapping[int, JoinedFace]) -> None:
        for window in file.windows():
            self._release(faces[window.face_id], [window])

    def _release(self, face: JoinedFace, pending: Iterable[Clip | WindowLogits]) -> None:
        """Move what is pending to the timeline, if the face is confirmed."""
        face.pending += pending
        if face.face_id is None:
            return
        for entry in face.pending:
            if isinstance(entry, Clip):
                self._clips.append((face.face_id, entry))
            else:
                self._timeline.add([], [replace(entry, face_id=face.face_id)])
        face.pending = []
        if len(self._clips) >= BATCH:
            self._classify()

    def _classify(self) -> None:
        """Classify the clips that wait."""
        self._timeline.add([], classify(self._engine, self._clips))
        self._clips = []

    def _add_positions(self, file: PartFile, faces: Mapping[int, JoinedFace]) -> None:
        part = self._parts[file.header.number]
        recent_s = math.inf if part.end_s is None else part.end_s - part.warm_up_s
        for position in file.positions():
            face = faces[position.face_id]
            if position.time_s >= recent_s:
                face.recent[position.time_s] = position.box
            face.positions.append(position)
            self._release_positions(face)
        for face in faces.values():
            self._release_positions(face)
            self._release(face, [])

    def _release_positions(self, face: JoinedFace) -> None:
        if face.face_id is not None:
            kept = (position for position in face.positions if position.time_s >= face.from_s)
            self._timeline.add([replace(position, face_id=face.face_id) for position in kept], [])
            face.positions = []

    def _restore_builders(self, file: PartFile, faces: Mapping[int, JoinedFace]) -> None:
        """Continue the clips of the faces that began in the part."""
        crops = file.builders()
        for track in file.header.tracks:
            if state := track.builder:
                own = list(islice(crops, state.crops))
                builder = ClipBuilder(self._engine.recipe, own, state.due, state.made, state.stride)
                faces[track.face_id].builder = builder
