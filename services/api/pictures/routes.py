"""`POST /v1/pictures`: the faces of pictures and their emotions, in the response."""

import asyncio
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from duygu.services.api.dependencies import ServiceDep, SubmitCaller
from duygu.services.api.http.problems import Responses, problems
from duygu.services.api.pictures.body import MemoryBudget, read_body, receive
from duygu.services.api.pictures.metrics import ANALYSED, PictureMetrics
from duygu.services.api.pictures.options import (
    LABELS,
    LabelsQuery,
    MaxFacesQuery,
    MinFaceQuery,
    described,
    picture_options,
)
from duygu.shared.config.settings import MB
from duygu.shared.errors import (
    AnimatedPictureError,
    DuyguError,
    EmptyFileError,
    InvalidRequestError,
    NotAPictureError,
    NoWorkerError,
    PictureTimeoutError,
    QueueFullError,
    RateLimitedError,
    TooLargeError,
    TooManyPicturesError,
    TooManyPixelsError,
    TooSlowError,
    UndecodablePictureError,
)
from duygu.shared.errors.base import SERVER_ERROR
from duygu.shared.inputs.media.picture_file import check_picture
from duygu.shared.inputs.pictures.api_queue import PictureQueue
from duygu.shared.jobs.quotas import count_pictures
from duygu.shared.schemas.job import JobError
from duygu.shared.schemas.options import ERRORS as OPTION_ERRORS
from duygu.shared.schemas.options import NAMES as OPTION_NAMES
from duygu.shared.schemas.options import AnalysisOptions, require_labels
from duygu.shared.schemas.picture import PictureItem, PictureList, PictureResult

router = APIRouter(tags=["pictures"])

IN_FLIGHT = 2
"""Pictures of one request that wait for a worker at the same time, so that a request with many delays no other."""

PICTURE = {"type": "string", "format": "binary", "description": "a picture: JPEG, PNG, WebP or AVIF"}

OTHER_OPTIONS = frozenset(OPTION_NAMES)
"""Form fields that are known, so that an option of videos has its own error."""

BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["picture"],
                    "properties": {
                        "picture": {
                            "oneOf": [PICTURE, {"type": "array", "items": PICTURE, "minItems": 1}],
                            "description": "the field may be repeated",
                        },
                        "labels": LABELS,
                        "min_face": described("min_face"),
                        "max_faces": described("max_faces"),
                    },
                },
            },
            **{f"image/{kind}": {"schema": PICTURE} for kind in ("jpeg", "png", "webp", "avif")},
        },
    }
}
"""The request body in OpenAPI, which the handler reads itself."""

ERRORS: tuple[type[DuyguError], ...] = (
    InvalidRequestError,
    *(OPTION_ERRORS[name] for name in OPTION_NAMES),
    EmptyFileError,
    NotAPictureError,
    AnimatedPictureError,
    UndecodablePictureError,
    TooManyPixelsError,
    TooManyPicturesError,
    TooLargeError,
    TooSlowError,
    RateLimitedError,
    QueueFullError,
    NoWorkerError,
    PictureTimeoutError,
)

MODEL = {"name": "talk48", "version": "2.1", "sha256": "0" * 64, "labels": ["happiness", "neutral"]}

FOUND = {
    "picture": {"width": 512, "height": 512},
    "faces": [
        {
            "box": [182.1, 61.9, 85.3, 112.7],
            "score": 1.0,
            "emotion": "happiness",
            "confidence": 0.99,
            "probabilities": {"happiness": 0.99, "neutral": 0.01},
            "uncertain": False,
            "flags": [],
        }
    ],
    "warnings": [],
}

REFUSED = {
    "picture": None,
    "faces": None,
    "error": {"code": NotAPictureError.code, "title": NotAPictureError.title, "detail": NotAPictureError.title},
}

EXAMPLES = {
    "one": {"summary": "one picture", "value": {"model": MODEL, **FOUND}},
    "several": {"summary": "several pictures", "value": {"model": MODEL, "pictures": [FOUND, REFUSED]}},
}
"""Responses in OpenAPI."""

RESPONSES: Responses = {
    200: {
        "model": PictureResult | PictureList,
        "description": "The faces of the picture, or of each of several ones",
        "content": {"application/json": {"examples": EXAMPLES}},
    },
    **problems(*ERRORS),
}


async def _queue(request: Request) -> PictureQueue:
    queue: PictureQueue = request.app.state.pictures
    return queue


@router.post("/v1/pictures", response_model=PictureResult | PictureList, responses=RESPONSES, openapi_extra=BODY)
async def analyze_pictures(
    request: Request,
    service: ServiceDep,
    caller: SubmitCaller,
    queue: Annotated[PictureQueue, Depends(_queue)],
    labels: LabelsQuery = None,
    min_face: MinFaceQuery = None,
    max_faces: MaxFacesQuery = None,
) -> Response:
    """Detect every face of a picture and classify its emotion, by the network's output for stills.

    The response to one picture is its result; the response to several is a list with an item for each, in which a
    picture that cannot be analysed has an error. Nothing is stored: the picture is deleted with the response.
    """
    settings = service.settings
    budget: MemoryBudget = request.app.state.picture_budget
    metrics: PictureMetrics = request.app.state.metrics.pictures
    query = {"labels": labels, "min_face": min_face, "max_faces": max_faces}
    with budget.reservation() as reservation:
        body = await receive(request, int(settings.pictures_max_mb * MB), settings.body_timeout_s, reservation)
        form = read_body(body, request.headers.get("content-type", ""), settings.pictures_max_count, OTHER_OPTIONS)
        options = picture_options(query, form.fields)
        require_labels(options, service.model.labels)
        if caller.limits.pictures_per_minute is not None or caller.limits.megabytes_per_day is not None:
            await run_in_threadpool(count_pictures, service.redis, caller, len(form.pictures), len(body))
        del body
        analysis = _Analysis(queue, options, settings.picture_max_pixels, metrics)
        if len(form.pictures) == 1:
            return _json(await analysis.one(form.pictures[0]))
        return _json(await analysis.several(form.pictures))


class _Analysis:
    """The analysis of the pictures of one request."""

    def __init__(self, queue: PictureQueue, options: AnalysisOptions, max_pixels: int, metrics: PictureMetrics) -> None:
        self._queue, self._options, self._max_pixels, self._metrics = queue, options, max_pixels, metrics
        self._turns = asyncio.Semaphore(IN_FLIGHT)

    async def one(self, picture: bytes) -> PictureResult:
        """The result of a picture. Raises an error for one that cannot be analysed."""
        started = time.perf_counter()
        try:
            check_picture(picture, self._max_pixels)
            result = await self._queue.analyze(picture, self._options)
        except DuyguError as error:
            self._metrics.pictures.labels(error.code).inc()
            raise
        self._metrics.pictures.labels(ANALYSED).inc()
        self._metrics.seconds.observe(time.perf_counter() - started)
        return result

    async def several(self, pictures: list[bytes]) -> PictureList:
        """An item for each picture. Raises the error of a picture if it lies with the service."""
        tasks = [asyncio.create_task(self._item(picture)) for picture in pictures]
        try:
            items = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        model = next((result.model for result, _ in items if result), None)
        return PictureList(model=model, pictures=[item for _, item in items])

    async def _item(self, picture: bytes) -> tuple[PictureResult | None, PictureItem]:
        async with self._turns:
            try:
                result = await self.one(picture)
            except DuyguError as error:
                if error.status >= SERVER_ERROR:
                    raise
                failed = JobError(code=error.code, title=error.title, detail=error.detail)
                return None, PictureItem(picture=None, faces=None, error=failed)
        return result, PictureItem(picture=result.picture, faces=result.faces, warnings=result.warnings)


def _json(content: PictureResult | PictureList) -> Response:
    return Response(content.model_dump_json(), media_type="application/json")
