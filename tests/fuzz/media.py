"""Damaged video files of every kind: each gives frames or a VideoError."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from duygu.shared.config.engine import decode_limits
from duygu.shared.config.settings import Settings
from duygu.shared.errors import VideoError
from duygu.shared.vision.decode.video import Video
from tests.fuzz.mutations import mutate, pick
from tests.fuzz.running import FindingError
from tests.shared.vision.decode.file_kinds import KINDS, Kind
from tests.support.media.videos import VideoMaker

MOST_FRAMES = 20_000


class Media:
    """Decodes mutated files in a child process, as the worker and `duygu analyze` do."""

    name = "media"
    deadline_s = 40.0

    def __init__(self, folder: Path, settings: Settings, kinds: Sequence[Kind] = KINDS) -> None:
        """Create the files of the kinds in a folder on demand."""
        self._maker, self._settings, self._kinds = VideoMaker(folder), settings, kinds
        self._path = folder / "damaged.mp4"
        self._contents: dict[str, bytes] = {}

    def make(self, random: np.random.Generator) -> bytes:
        """Return a mutated file of one of the kinds in docs/file-kinds.md."""
        kind = pick(self._kinds, random)
        if kind.name not in self._contents:
            self._contents[kind.name] = kind.make(self._maker).read_bytes()
        return mutate(self._contents[kind.name], random)

    def run(self, content: bytes) -> str:
        """Decode the file. An absurd number of frames is a finding."""
        self._path.write_bytes(content)
        try:
            with Video(self._path, decode_limits(self._settings), 10.0) as video:
                frames = sum(1 for _ in video)
        except VideoError as error:
            return error.code
        if frames > MOST_FRAMES:
            raise FindingError(f"{frames} frames of a small file")
        return "decoded"
