"""Video files of every kind, damaged: each gives frames or an error of the file, and nothing else."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from duygu.shared.config import Settings
from duygu.shared.errors import VideoError
from duygu.shared.vision.decode.video import Video
from tests.fuzz.mutations import mutate, pick
from tests.fuzz.running import FindingError
from tests.shared.vision.decode.file_kinds import KINDS, Kind
from tests.support.videos import VideoMaker

MOST_FRAMES = 20_000


class Media:
    """Decodes mutated files as the worker and `duygu analyze` do, in a process of their own."""

    name = "media"
    deadline_s = 40.0

    def __init__(self, folder: Path, settings: Settings, kinds: Sequence[Kind] = KINDS) -> None:
        """Make files in a folder, each when it is first needed."""
        self._maker, self._settings, self._kinds = VideoMaker(folder), settings, kinds
        self._path = folder / "damaged.mp4"
        self._contents: dict[str, bytes] = {}

    def make(self, random: np.random.Generator) -> bytes:
        """One of the kinds of docs/file-kinds.md, mutated."""
        kind = pick(self._kinds, random)
        if kind.name not in self._contents:
            self._contents[kind.name] = kind.make(self._maker).read_bytes()
        return mutate(self._contents[kind.name], random)

    def run(self, content: bytes) -> str:
        """The number of frames matters only where it is absurd."""
        self._path.write_bytes(content)
        try:
            with Video(self._path, self._settings, 10.0) as video:
                frames = sum(1 for _ in video)
        except VideoError as error:
            return error.code
        if frames > MOST_FRAMES:
            raise FindingError(f"{frames} frames of a small file")
        return "decoded"
