"""Files of edits: JSON with the edits of one result, as `GET /v1/jobs/{id}/edits` responds."""

from pathlib import Path

from pydantic import Field, ValidationError

from duygu.shared.errors import ConfigurationError, OtherVideoError
from duygu.shared.model.recipe import explain
from duygu.shared.schemas.base import Schema
from duygu.shared.schemas.result import Result
from duygu.shared.storage.atomic import write_atomically
from duygu.shared.workbench.edits.editing import apply_edits
from duygu.shared.workbench.edits.operations import MAX_EDITS, Edit

EXTENSION = ".edits.json"
"""Extension of the file of a video's edits."""

MAX_BYTES = 2_000_000
"""Maximum size of a file of edits."""


class EditFile(Schema):
    """The edits of one result, in the order in which they are applied."""

    version: int = Field(default=0, ge=0, description="grows with every change; also the `ETag` of the response")
    sha256: str | None = Field(default=None, description="of the video, lower-case hexadecimal; null if unknown")
    edits: list[Edit] = Field(default=[], max_length=MAX_EDITS)

    def check_video(self, result: Result) -> None:
        """Raises OtherVideoError for the result of another video."""
        known = result.video.sha256
        if self.sha256 and known and self.sha256 != known:
            raise OtherVideoError(f"the edits are for the video with the sha256 {self.sha256}, not {known}")

    def apply(self, result: Result) -> Result:
        """The result with the edits.

        Raises OtherVideoError for the result of another video, and InvalidEditError for an edit that does not apply.
        """
        self.check_video(result)
        return apply_edits(result, self.edits)


def read_edit_file(path: Path) -> EditFile:
    """Read a file of edits. Raises ConfigurationError for one that cannot be read or is invalid."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigurationError(f"{path}: the file is larger than {MAX_BYTES} bytes")
        return EditFile.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ConfigurationError(f"{path}: invalid edits: {explain(error)}") from error
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error


def write_edit_file(path: Path, file: EditFile) -> None:
    """Write a file of edits atomically. Raises OSError."""
    write_atomically(path, (file.model_dump_json(indent=2) + "\n").encode())
