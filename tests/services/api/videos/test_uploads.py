"""The multipart parser: pieces of any size, and invalid forms."""

import hashlib
from io import BytesIO

import pytest
from fastapi import Request

from duygu.services.api.http.multipart import MAX_OPTION_BYTES, MAX_PREAMBLE_BYTES
from duygu.services.api.videos.multipart_form import VideoForm
from duygu.services.api.videos.uploads import MULTIPART_OVERHEAD_BYTES, declared_size
from duygu.shared.errors import (
    EmptyFileError,
    InvalidMaxFacesError,
    InvalidRequestError,
    NotAVideoError,
    TooLargeError,
    UnknownParameterError,
)
from duygu.shared.schemas.options import NAMES, AnalysisOptions
from duygu.shared.storage.measured_writer import MeasuredWriter

VIDEO = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 8 + b"\r\n--not the boundary\r\n"
BOUNDARY = b"b0undary"


def part(name: str, content: bytes) -> bytes:
    """One field of a form."""
    disposition = f'Content-Disposition: form-data; name="{name}"; filename="a.mp4"\r\n\r\n'
    return b"--" + BOUNDARY + b"\r\n" + disposition.encode() + content + b"\r\n"


END = b"--" + BOUNDARY + b"--\r\n"


def form(limit: int = 10_000) -> tuple[VideoForm, BytesIO]:
    """A form that writes its video to memory."""
    file = BytesIO()
    return VideoForm(BOUNDARY, MeasuredWriter(file, limit)), file


@pytest.mark.parametrize("step", [1, 7, 100, 100_000])
def test_the_video_arrives_whole_however_it_is_cut(step: int) -> None:
    """Preamble and epilogue are ignored; size and hash are those of the file."""
    preamble = b"This is a message in MIME format: --b0undary, not at the beginning of a line.\r\n--b0und\r\n"
    body = preamble + part("video", VIDEO) + END + b"\r\nan epilogue\r\n--b0undary\r\n"
    received, file = form()
    for start in range(0, len(body), step):
        received.feed(body[start : start + step])
    upload = received.finish()
    assert file.getvalue() == VIDEO
    assert (upload.size, upload.sha256) == (len(VIDEO), hashlib.sha256(VIDEO).hexdigest())


@pytest.mark.parametrize("step", [1, 100_000])
@pytest.mark.parametrize(
    "body",
    [
        part("video", VIDEO) + END[:-2],
        b"\r\n\r\n" + part("video", VIDEO) + END,
        part("video", VIDEO).replace(b"Content-Disposition", b"CONTENT-disposition") + END,
        part("video", VIDEO).replace(b'name="video"', b"name=video") + END,
        b"x" * (MAX_PREAMBLE_BYTES - 100) + b"\r\n" + part("video", VIDEO) + END,
    ],
    ids=["no line end at the end", "empty lines", "header in capitals", "no quotes", "long preamble"],
)
def test_legal_forms_of_other_programs_are_accepted(body: bytes, step: int) -> None:
    """Unusual but valid forms of RFC 2046 and RFC 7578 are accepted."""
    received, file = form()
    for start in range(0, len(body), step):
        received.feed(body[start : start + step])
    received.finish()
    assert file.getvalue() == VIDEO


def test_an_endless_preamble_is_refused() -> None:
    """A body without a boundary is rejected before it is read completely."""
    received, _ = form()
    with pytest.raises(InvalidRequestError, match=r"contains? no boundary"):  # noqa: PT012 - the error comes with some piece
        for _ in range(100):
            received.feed(b"-" * 1000)


def test_unknown_fields_are_refused_by_name() -> None:
    """An unknown form field is rejected with its name."""
    for name in ("every", "", "x" * 1000):
        received, file = form()
        with pytest.raises(UnknownParameterError) as refused:
            received.feed(part(name, b"1") + part("video", VIDEO) + END)
        assert f"`{name[:60]}" in refused.value.detail or "no name" in refused.value.detail
        assert refused.value.detail.endswith(f"known: {', '.join(f'`{known}`' for known in sorted([*NAMES, 'video']))}")
        assert len(refused.value.detail) < 250
        assert file.getvalue() == b""


@pytest.mark.parametrize("step", [1, 7, 100_000])
@pytest.mark.parametrize("before", [0, 1, 4])
def test_options_arrive_before_and_after_the_video(before: int, step: int) -> None:
    """Options are form fields, in any order; a repeated field has several values, and an empty one none."""
    options = [
        part("every_s", b"0.5"),
        part("labels", b"anger, fear"),
        part("labels", b"surprise"),
        part("min_face", b""),
    ]
    body = b"".join([*options[:before], part("video", VIDEO), *options[before:]]) + END
    received, file = form()
    for start in range(0, len(body), step):
        received.feed(body[start : start + step])
    assert received.finish().options == AnalysisOptions(every_s=0.5, labels=("anger", "fear", "surprise"))
    assert file.getvalue() == VIDEO


def test_an_invalid_option_is_refused_before_the_video_is_read() -> None:
    """A client need not send the whole video to learn that an option is invalid."""
    received, file = form()
    with pytest.raises(InvalidMaxFacesError, match="`max_faces` 'many'"):
        received.feed(part("max_faces", b"many") + part("video", VIDEO))
    assert file.getvalue() == b""


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (part("video", b"") + END, EmptyFileError),
        (part("video", b"just words") + END, NotAVideoError),
        (part("film", VIDEO) + END, InvalidRequestError),
        (part("video", VIDEO) + part("video", VIDEO) + END, InvalidRequestError),
        (part("max_faces", b"3") + END, InvalidRequestError),
        (part("max_faces", b"3") + part("max_faces", b"4") + END, InvalidMaxFacesError),
        (part("max_faces", b"\xff") + part("video", VIDEO), InvalidMaxFacesError),
        (part("labels", b"x" * (MAX_OPTION_BYTES + 1)), InvalidRequestError),
        (part("video", VIDEO), InvalidRequestError),
        (b"this is no form", InvalidRequestError),
        (END, InvalidRequestError),
        (b"", InvalidRequestError),
    ],
)
def test_other_forms_are_refused(body: bytes, error: type[Exception]) -> None:
    """Forms without exactly one complete video are rejected."""
    received, _ = form()
    with pytest.raises(error):  # noqa: PT012 - the error comes with the piece that shows it
        received.feed(body)
        received.finish()


def test_too_much_is_refused_as_soon_as_it_is_too_much() -> None:
    """An upload stops at the limit, and the error names the limit and the remedies."""
    received, file = form(limit=1000)
    with pytest.raises(TooLargeError, match=r"limit of 0\.001 MB.*re-encode.*DUYGU_MAX_UPLOAD_MB"):
        received.feed(part("video", VIDEO))
    assert len(file.getvalue()) <= 1000


def test_a_stated_size_is_believed() -> None:
    """A `Content-Length` above the limit is rejected before the body is read."""

    def stated(size: int) -> int:
        headers = [(b"content-length", str(size).encode())]
        return declared_size(Request({"type": "http", "headers": headers}), limit=1000)

    assert declared_size(Request({"type": "http", "headers": []}), limit=1000) == 0
    assert stated(1000 + MULTIPART_OVERHEAD_BYTES) == 1000 + MULTIPART_OVERHEAD_BYTES
    with pytest.raises(TooLargeError, match=r"limit of 0\.001 MB"):
        stated(1001 + MULTIPART_OVERHEAD_BYTES)


PICTURE = b"\xff\xd8\xff\xe0" + b"picture" * 200 + b"\xff\xd9"


@pytest.mark.parametrize("step", [1, 700, 100_000])
def test_concatenated_jpeg_pictures_are_accepted(step: int) -> None:
    """Several JPEGs are Motion JPEG; a single one is rejected at the end of the file."""
    for content in (PICTURE * 3, b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + PICTURE):
        received, file = form()
        body = part("video", content) + END
        for start in range(0, len(body), step):
            received.feed(body[start : start + step])
        received.finish()
        assert file.getvalue() == content
    received, _ = form()
    received.feed(part("video", PICTURE) + END)
    with pytest.raises(NotAVideoError):
        received.finish()
