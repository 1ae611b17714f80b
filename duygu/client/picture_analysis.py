"""Client of `POST /v1/pictures`: the faces of pictures and their emotions."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

import httpx

from duygu.client.responses import with_retries
from duygu.client.service import Service
from duygu.shared.schemas.options import OptionValues, form_fields, read_options, require_for_pictures
from duygu.shared.schemas.picture import PictureItem, PictureList, PictureResult

RESPONSE_TIMEOUT_S = 60.0

TOGETHER = 8
"""Pictures in one request."""


async def analyze_picture_async(
    path: Path | str, service: Service | None = None, **options: Unpack[OptionValues]
) -> PictureResult:
    """Send a picture and return its faces, from left to right.

    options  `labels`, `min_face` and `max_faces` of duygu.shared.schemas.options

    The request is retried while the service is unavailable. Raises the errors of duygu.shared.errors, and
    httpx.TransportError when the address does not respond.
    """
    return PictureResult.read(await _send([Path(path)], service or Service(), options))


async def analyze_pictures_async(
    paths: Sequence[Path | str], service: Service | None = None, **options: Unpack[OptionValues]
) -> list[PictureItem]:
    """Send pictures, several in a request, and return an item for each, with an `error` where one cannot be analysed.

    Raises as `analyze_picture_async` does, for what concerns all pictures.
    """
    files, items = [Path(path) for path in paths], list[PictureItem]()
    for start in range(0, len(files), TOGETHER):
        some = files[start : start + TOGETHER]
        if len(some) == 1:  # the response for one picture has another shape, and an error would concern all
            some = [*some, *some]
        response = PictureList.read(await _send(some, service or Service(), options))
        items += response.pictures[: len(files) - start]
    return items


def analyze_picture(path: Path | str, service: Service | None = None, **options: Unpack[OptionValues]) -> PictureResult:
    """Like `analyze_picture_async`, without `async`."""
    return asyncio.run(analyze_picture_async(path, service, **options))


def analyze_pictures(
    paths: Sequence[Path | str], service: Service | None = None, **options: Unpack[OptionValues]
) -> list[PictureItem]:
    """Like `analyze_pictures_async`, without `async`."""
    return asyncio.run(analyze_pictures_async(paths, service, **options))


async def _send(paths: Sequence[Path], service: Service, options: OptionValues) -> bytes:
    chosen = read_options(options)
    require_for_pictures(chosen)
    files = [("picture", ("picture", path.read_bytes())) for path in paths]
    async with httpx.AsyncClient(base_url=service.url, headers=service.headers, timeout=RESPONSE_TIMEOUT_S) as client:
        response = await with_retries(lambda: client.post("/v1/pictures", data=form_fields(chosen), files=files))
    return response.content
