"""The JSON body of `POST /v1/videos`: a link or the id of a resumable upload, and the options of the analysis."""

import json
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

from duygu.services.api.videos.uploads import body_pieces
from duygu.shared.errors import InvalidRequestError, UnknownParameterError
from duygu.shared.schemas.options import NAMES, AnalysisOptions, read_options

MAX_BYTES = 65_536

MEDIA_TYPE = "application/json"

URL, UPLOAD_ID = "url", "upload_id"


@dataclass(frozen=True, slots=True)
class NamedVideo:
    """A video that the body names rather than contains: by a link, or as a resumable upload."""

    options: AnalysisOptions
    url: str = field(default="", repr=False)
    upload_id: str = ""


def is_json(request: Request) -> bool:
    """Whether the body is declared as JSON."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == MEDIA_TYPE


async def read_json(request: Request, pause_s: float) -> NamedVideo:
    """Read the body.

    Raises InvalidRequestError, UnknownParameterError, InvalidOptionError, TooLargeError and
    TooSlowError.
    """
    body = b"".join([piece async for piece in body_pieces(request, MAX_BYTES, pause_s)])
    values = _members(body)
    for name in values:
        if name not in (URL, UPLOAD_ID, *NAMES):
            raise UnknownParameterError("member", name, [URL, UPLOAD_ID, *NAMES])
    named = {name: values.pop(name) for name in (URL, UPLOAD_ID) if name in values}
    if len(named) != 1 or not all(isinstance(value, str) and value for value in named.values()):
        raise InvalidRequestError("The body needs one of the members `url` and `upload_id`, as text")
    return NamedVideo(read_options(values), **named)


def _members(body: bytes) -> dict[str, Any]:
    try:
        values = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError("The body is not valid JSON") from error
    if not isinstance(values, dict):
        raise InvalidRequestError("The body is not a JSON object")
    return values
