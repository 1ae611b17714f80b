"""Multipart forms, parsed piece by piece as they arrive."""

from abc import ABC, abstractmethod

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from duygu.shared.errors import InvalidRequestError, UnknownParameterError

FORM = "multipart/form-data"

MAX_BOUNDARY_BYTES = 70
"""Maximum length of a boundary (RFC 2046)."""

MAX_OPTION_BYTES = 4096
"""Maximum length of the text of a field that is no file."""

MAX_PREAMBLE_BYTES = 16_384
"""Maximum length of the preamble, which RFC 2046 does not limit."""


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


class MultipartForm(ABC):
    """An incremental parser of a form with files and options. Subclasses receive the bytes of the files.

    boundary    as declared in `Content-Type`
    file_field  name of the field with a file
    options     names of the other fields

    An option that is sent several times has several texts. The preamble before the first part and the epilogue after
    the last one are ignored.
    """

    def __init__(self, boundary: bytes, file_field: str, options: frozenset[str]) -> None:
        self.options: dict[str, list[str]] = {}
        self._file_field, self._known = file_field, options
        self._preamble: Preamble | None = Preamble(boundary)
        self._header, self._disposition = b"", b""
        self._option = ""  # name of the option whose part is being read; empty in a file
        self._text = b""  # of that option
        self._files = 0
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

    @abstractmethod
    def file_began(self, number: int) -> None:
        """Begin a file; the first one has number 1."""

    @abstractmethod
    def file_data(self, piece: bytes) -> None:
        """Receive the next bytes of the file."""

    @abstractmethod
    def option_ended(self, name: str) -> None:
        """Check an option, whose last text is complete."""

    def feed(self, piece: bytes) -> None:
        """Parse the next piece of the body. Raises InvalidRequestError or UnknownParameterError."""
        if self._preamble:
            piece = self._preamble.skip(piece)
            if not piece:
                return
            self._preamble = None
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise InvalidRequestError("The body is not a valid multipart form") from error

    def require_end(self) -> None:
        """Check at the end of the body that the form is complete and has a file. Raises InvalidRequestError."""
        if self._preamble:
            raise InvalidRequestError("The body contains no boundary as declared in `Content-Type`")
        if not self._ended:
            raise InvalidRequestError("The body ends before the final boundary of the form")
        if not self._files:
            raise InvalidRequestError(f"The form has no field `{self._file_field}`")

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
        _, parameters = parse_options_header(self._disposition)
        name = parameters.get(b"name", b"").decode(errors="replace")
        self._option, self._text = name if name in self._known else "", b""
        if self._option:
            return
        if name != self._file_field:
            raise UnknownParameterError("form field", name or "(no name)", [self._file_field, *self._known])
        self._files += 1
        self.file_began(self._files)

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if not self._option:
            self.file_data(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > MAX_OPTION_BYTES:
            raise InvalidRequestError(f"The form field `{self._option}` is longer than {MAX_OPTION_BYTES} bytes")

    def _part_end(self) -> None:
        if self._option:
            self.options.setdefault(self._option, []).append(self._text.decode(errors="replace"))
            self.option_ended(self._option)

    def _end(self) -> None:
        self._ended = True
