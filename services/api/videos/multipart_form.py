"""The multipart form of an upload, parsed piece by piece as it arrives."""

from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from duygu.shared.errors import EmptyFileError, InvalidRequestError, UnknownParameterError
from duygu.shared.inputs.media.file_signature import SignatureCheck
from duygu.shared.schemas.options import NAMES, AnalysisOptions, read_options
from duygu.shared.storage.measured_writer import MeasuredWriter

FIELD = "video"

MAX_OPTION_BYTES = 4096
"""Maximum length of the text of an option."""

MAX_PREAMBLE_BYTES = 16_384
"""Maximum length of the preamble, which RFC 2046 does not limit."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A completely received video and the options of its analysis."""

    size: int  # bytes
    sha256: str
    options: AnalysisOptions = field(default_factory=AnalysisOptions)


class Preamble:
    """Skips the bytes before the first boundary of a multipart body, as RFC 2046 requires."""

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\n--" + boundary
        self._held = b"\n"  # the boundary may be at the start of the body
        self._length = 0

    def skip(self, piece: bytes) -> bytes:
        """Remove the preamble from the next piece of the body.

        Raises InvalidRequestError when the preamble is longer than MAX_PREAMBLE_BYTES.
        """
        held = self._held + piece
        start = held.find(self._delimiter)
        if start >= 0:
            return held[start + 1 :]
        self._length += len(piece)
        if self._length > MAX_PREAMBLE_BYTES:
            raise InvalidRequestError(
                f"The first {MAX_PREAMBLE_BYTES} bytes of the body contain no boundary as declared in `Content-Type`"
            )
        self._held = held[-len(self._delimiter) :]
        return b""


class VideoForm:
    """An incremental parser of the multipart form that writes the video to a file and collects the options.

    An option that is sent several times has several values. An invalid option is rejected when its part ends.
    The preamble before the first part and the epilogue after the last one are ignored.
    """

    def __init__(self, boundary: bytes, writer: MeasuredWriter) -> None:
        self._writer = writer
        self._signature = SignatureCheck()
        self._disposition = b""
        self._header = b""
        self._preamble: Preamble | None = Preamble(boundary)
        self._videos = 0
        self._option: str | None = None  # name of the option whose part is being read
        self._text = b""  # of that option
        self._options: dict[str, list[str]] = {}
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begin,
                "on_header_begin": self._header_begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._part_data,
                "on_part_end": self._part_end,
                "on_end": self._end,
            },
        )

    def feed(self, piece: bytes) -> None:
        """Parse the next piece of the body."""
        if self._preamble:
            piece = self._preamble.skip(piece)
            if not piece:
                return
            self._preamble = None
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise InvalidRequestError("The body is not a valid multipart form") from error

    def finish(self) -> Upload:
        """Check at the end of the body that the form is complete and has one video."""
        if self._preamble:
            raise InvalidRequestError("The body contains no boundary as declared in `Content-Type`")
        if not self._ended:
            raise InvalidRequestError("The body ends before the final boundary of the form")
        if not self._videos:
            raise InvalidRequestError("The form has no field `video`")
        if not self._writer.size:
            raise EmptyFileError
        self._signature.finish()
        return Upload(self._writer.size, self._writer.sha256, _read(self._options))

    def _part_begin(self) -> None:
        self._disposition = b""

    def _header_begin(self) -> None:
        self._header = b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition += data[start:end]

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name", b"").decode(errors="replace")
        self._option, self._text = name if name in NAMES else None, b""
        if self._option:
            return
        if name != FIELD:
            raise UnknownParameterError("form field", name or "(no name)", [FIELD, *NAMES])
        self._videos += 1
        if self._videos > 1:
            raise InvalidRequestError("The form has more than one field `video`; send one video per request")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        piece = data[start:end]
        if self._option:
            self._option_data(self._option, piece)
        else:
            self._video_data(piece)

    def _option_data(self, name: str, piece: bytes) -> None:
        self._text += piece
        if len(self._text) > MAX_OPTION_BYTES:
            raise InvalidRequestError(f"The form field `{name}` is longer than {MAX_OPTION_BYTES} bytes")

    def _part_end(self) -> None:
        if self._option:
            self._options.setdefault(self._option, []).append(self._text.decode(errors="replace"))
            _read({self._option: self._options[self._option]})

    def _video_data(self, piece: bytes) -> None:
        self._writer.write(piece)
        self._signature.feed(piece)

    def _end(self) -> None:
        self._ended = True


def _read(fields: dict[str, list[str]]) -> AnalysisOptions:
    """The options of form fields with one or several values. Raises InvalidOptionError."""
    return read_options({name: texts[0] if len(texts) == 1 else texts for name, texts in fields.items()})
