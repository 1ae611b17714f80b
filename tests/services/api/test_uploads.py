"""Forms that arrive in pieces, and forms that are not what they should be."""

import hashlib
from io import BytesIO

import pytest
from fastapi import Request

from services.api.uploads import FORM_BYTES, VideoForm, stated_size
from shared.errors import EmptyFileError, InvalidRequestError, NotAVideoError, TooLargeError
from shared.storage import MeasuredWriter

VIDEO = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 8 + b"\r\n--not the boundary\r\n"
BOUNDARY = b"b0undary"


def part(name: str, content: bytes) -> bytes:
    """One field of a form."""
    disposition = f'Content-Disposition: form-data; name="{name}"; filename="a.mp4"\r\n\r\n'
    return b"--" + BOUNDARY + b"\r\n" + disposition.encode() + content + b"\r\n"


END = b"--" + BOUNDARY + b"--\r\n"


def form(limit: int = 10_000) -> tuple[VideoForm, BytesIO]:
    """A form that writes its video into memory."""
    file = BytesIO()
    return VideoForm(BOUNDARY, MeasuredWriter(file, limit)), file


@pytest.mark.parametrize("step", [1, 7, 100, 100_000])
def test_the_video_arrives_whole_however_it_is_cut(step: int) -> None:
    """Other fields are passed over; size and hash are those of the file alone."""
    body = part("note", b"hello") + part("video", VIDEO) + END
    received, file = form()
    for start in range(0, len(body), step):
        received.feed(body[start : start + step])
    upload = received.finish()
    assert file.getvalue() == VIDEO
    assert (upload.size, upload.sha256) == (len(VIDEO), hashlib.sha256(VIDEO).hexdigest())


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (part("video", b"") + END, EmptyFileError),
        (part("video", b"just words") + END, NotAVideoError),
        (part("film", VIDEO) + END, InvalidRequestError),
        (part("video", VIDEO) + part("video", VIDEO) + END, InvalidRequestError),
        (part("video", VIDEO), InvalidRequestError),
        (b"this is no form", InvalidRequestError),
        (END, InvalidRequestError),
        (b"", InvalidRequestError),
    ],
)
def test_other_forms_are_refused(body: bytes, error: type[Exception]) -> None:
    """No video, an empty one, a text, two of them, a form that breaks off, no form at all."""
    received, _ = form()
    with pytest.raises(error):  # noqa: PT012 - the error comes with the piece that shows it
        received.feed(body)
        received.finish()


def test_too_much_is_refused_as_soon_as_it_is_too_much() -> None:
    """No more than the limit is written."""
    received, file = form(limit=1000)
    with pytest.raises(TooLargeError):
        received.feed(part("video", VIDEO))
    assert len(file.getvalue()) <= 1000


def test_a_stated_size_is_believed() -> None:
    """One beyond the limit is refused before anything is read, however much room there is."""

    def stated(size: int) -> int:
        headers = [(b"content-length", str(size).encode())]
        return stated_size(Request({"type": "http", "headers": headers}), limit=1000)

    assert stated_size(Request({"type": "http", "headers": []}), limit=1000) == 0
    assert stated(1000 + FORM_BYTES) == 1000 + FORM_BYTES
    with pytest.raises(TooLargeError):
        stated(1001 + FORM_BYTES)
