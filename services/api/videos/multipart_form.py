"""The multipart form of an upload: writes the video to a file as it arrives, and reads the options."""

from dataclasses import dataclass, field

from duygu.services.api.http.multipart import MultipartForm
from duygu.shared.errors import EmptyFileError, InvalidRequestError
from duygu.shared.inputs.media.file_signature import SignatureCheck
from duygu.shared.schemas.options import NAMES, AnalysisOptions, read_options
from duygu.shared.storage.measured_writer import MeasuredWriter

FIELD = "video"


@dataclass(frozen=True, slots=True)
class Upload:
    """A completely received video and the options of its analysis."""

    size: int  # bytes
    sha256: str
    options: AnalysisOptions = field(default_factory=AnalysisOptions)


class VideoForm(MultipartForm):
    """A form with one video, which is written to a file. An invalid option is rejected when its part ends."""

    def __init__(self, boundary: bytes, writer: MeasuredWriter) -> None:
        super().__init__(boundary, FIELD, frozenset(NAMES))
        self._writer = writer
        self._signature = SignatureCheck()

    def finish(self) -> Upload:
        """Check at the end of the body that the form is complete and has one video."""
        self.require_end()
        if not self._writer.size:
            raise EmptyFileError
        self._signature.finish()
        return Upload(self._writer.size, self._writer.sha256, _read(self.options))

    def file_began(self, number: int) -> None:
        """Refuse a second video."""
        if number > 1:
            raise InvalidRequestError("The form has more than one field `video`; send one video per request")

    def file_data(self, piece: bytes) -> None:
        """Write the video, and check its first bytes."""
        self._writer.write(piece)
        self._signature.feed(piece)

    def option_ended(self, name: str) -> None:
        """Refuse an invalid option."""
        _read({name: self.options[name]})


def _read(fields: dict[str, list[str]]) -> AnalysisOptions:
    """The options of form fields with one or several values. Raises InvalidOptionError."""
    return read_options({name: texts[0] if len(texts) == 1 else texts for name, texts in fields.items()})
