"""The JSON body of `POST /v1/videos`: a link to a video, and the options of its analysis."""

import json
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

from duygu.services.api.videos.uploads import body_pieces
from duygu.shared.analysis_options import NAMES, AnalysisOptions, read_options
from duygu.shared.errors import InvalidRequestError, UnknownParameterError
from duygu.shared.links.link import Link, parse_link

MAX_BYTES = 65_536

MEDIA_TYPE = "application/json"

URL = "url"


@dataclass(frozen=True, slots=True)
class NamedVideo:
    """A video that the body names rather than contains."""

    link: Link
    url: str = field(repr=False)
    options: AnalysisOptions


def is_json(request: Request) -> bool:
    """Whether the body is declared as JSON."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == MEDIA_TYPE


async def read_json(request: Request, pause_s: float) -> NamedVideo:
    """Read the body.

    Raises InvalidRequestError, UnknownParameterError, InvalidOptionError, LinkRefusedError, TooLargeError and
    TooSlowError.
    """
    body = b"".join([piece async for piece in body_pieces(request, MAX_BYTES, pause_s)])
    values = _members(body)
    url = values.pop(URL, None)
    for name in values:
        if name not in NAMES:
            raise UnknownParameterError("member", name, [URL, *NAMES])
    if not isinstance(url, str):
        raise InvalidRequestError("The body has no member `url` with a link as text")
    return NamedVideo(parse_link(url), url, read_options(values))


def _members(body: bytes) -> dict[str, Any]:
    try:
        values = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError("The body is not valid JSON") from error
    if not isinstance(values, dict):
        raise InvalidRequestError("The body is not a JSON object")
    return values
