"""`/v1/uploads`: resumable uploads by the tus protocol."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool

from duygu.services.api.dependencies import ServiceDep, SubmitCaller
from duygu.services.api.http.problems import problems
from duygu.services.api.service import ServiceContext
from duygu.services.api.uploads.protocol import (
    BYTES,
    CHECKSUMS,
    EXTENSIONS,
    ROOM,
    VERSION,
    read_checksum,
    read_length,
    read_metadata,
    read_offset,
    require_version,
)
from duygu.services.api.uploads.receiving import receive
from duygu.services.api.videos.admission import require_space
from duygu.services.api.videos.named_video import erase_upload, find_upload
from duygu.shared.config.api_keys import Caller
from duygu.shared.errors import (
    ChecksumMismatchError,
    EmptyFileError,
    EraseFailedError,
    InvalidRequestError,
    NotAVideoError,
    OffsetMismatchError,
    QueueFullError,
    RateLimitedError,
    StorageFullError,
    TooLargeError,
    TooSlowError,
    TusVersionError,
    UploadError,
    UploadLockedError,
    UploadNotFoundError,
    WrongContentTypeError,
)
from duygu.shared.inputs.uploads.record import UploadRecord
from duygu.shared.jobs.quotas import count_bytes, count_upload
from duygu.shared.jobs.record import new_job_id
from duygu.shared.schemas.job import ResumableUpload

router = APIRouter(prefix=ROOM, tags=["videos"])

UploadId = Annotated[str, Path(description="last part of the `Location` of `POST /v1/uploads`")]


def _header(name: str, description: str, *, required: bool = False) -> dict[str, Any]:
    """A header of the protocol in OpenAPI; the handlers read them themselves."""
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": {"type": "string"},
    }


VERSION_HEADER = _header("Tus-Resumable", f"`{VERSION}`", required=True)
CHECKSUM_HEADER = _header("Upload-Checksum", f"one of {', '.join(CHECKSUMS)}, a space, and the checksum in base64")
BODY = {"content": {BYTES: {"schema": {"type": "string", "format": "binary"}}}}

RECEIVING_ERRORS = (
    ChecksumMismatchError,
    NotAVideoError,
    TooSlowError,
    UploadLockedError,
    InvalidRequestError,
)


def _described(*names: str) -> dict[str, Any]:
    return {name: {"schema": {"type": "string"}} for name in names}


@router.options("", status_code=204, response_class=Response)
def describe_uploads(service: ServiceDep) -> Response:
    """Read the version, the extensions and the limits of resumable uploads."""
    headers = {
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(service.settings.max_upload_bytes),
        "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
    }
    return Response(status_code=204, headers=headers)


@router.post(
    "",
    status_code=201,
    response_class=Response,
    responses={
        201: {"description": "The upload exists", "headers": _described("Location", "Upload-Offset", "Upload-Expires")},
        **problems(
            *RECEIVING_ERRORS,
            UploadError,
            EmptyFileError,
            UploadNotFoundError,
            TusVersionError,
            TooLargeError,
            RateLimitedError,
            QueueFullError,
            StorageFullError,
        ),
    },
    openapi_extra={
        "parameters": [
            VERSION_HEADER,
            _header("Upload-Length", "bytes of the whole file", required=True),
            _header("Upload-Metadata", "pairs of a key and a value in base64, such as `filename`; stored as sent"),
            CHECKSUM_HEADER,
        ],
        "requestBody": BODY,
    },
)
async def create_upload(request: Request, service: ServiceDep, caller: SubmitCaller) -> Response:
    """Begin a resumable upload; `Location` is its address. The body may have its first bytes."""
    require_version(request)
    length = read_length(request, service.settings.max_upload_bytes)
    metadata, checksum = read_metadata(request), read_checksum(request)
    record = await run_in_threadpool(_create, service, caller, length, metadata)
    if request.headers.get("content-type") == BYTES:
        record = await receive(request, service, record.upload_id, 0, checksum)
    location = {"Location": f"{ROOM}/{record.upload_id}"}
    return Response(status_code=201, headers=location | _state(record))


@router.get(
    "/{upload_id}",
    response_model=ResumableUpload,
    responses={
        200: {"headers": _described("Upload-Offset", "Upload-Length", "Upload-Metadata", "Upload-Expires")},
        **problems(UploadNotFoundError, TusVersionError, InvalidRequestError),
    },
)
def read_upload(request: Request, service: ServiceDep, caller: SubmitCaller, upload_id: UploadId) -> Response:
    """Read how much of an upload has arrived. HEAD does the same by the tus protocol."""
    if "Tus-Resumable" in request.headers:
        require_version(request)
    record = find_upload(service, caller.name, upload_id)
    headers = _state(record) | {"Upload-Length": str(record.length), "Cache-Control": "no-store"}
    if record.metadata:
        headers["Upload-Metadata"] = record.metadata
    state = ResumableUpload(
        upload_id=upload_id,
        offset=record.offset,
        length=record.length,
        expires_at=record.expires_at,
        job_id=record.job_id or None,
    )
    return Response(state.model_dump_json(), media_type="application/json", headers=headers)


@router.patch(
    "/{upload_id}",
    status_code=204,
    response_class=Response,
    responses={
        204: {"headers": _described("Upload-Offset", "Upload-Expires")},
        **problems(
            *RECEIVING_ERRORS,
            UploadError,
            TusVersionError,
            UploadNotFoundError,
            OffsetMismatchError,
            WrongContentTypeError,
            StorageFullError,
        ),
    },
    openapi_extra={
        "parameters": [
            VERSION_HEADER,
            _header("Upload-Offset", "bytes that the service has", required=True),
            CHECKSUM_HEADER,
        ],
        "requestBody": BODY,
    },
)
async def append_to_upload(
    request: Request, service: ServiceDep, caller: SubmitCaller, upload_id: UploadId
) -> Response:
    """Append bytes to an upload. What arrived before a connection is lost is kept."""
    require_version(request)
    if request.headers.get("content-type") != BYTES:
        raise WrongContentTypeError(f"The `Content-Type` is not {BYTES}")
    offset, checksum = read_offset(request), read_checksum(request)
    await run_in_threadpool(find_upload, service, caller.name, upload_id)
    record = await receive(request, service, upload_id, offset, checksum)
    return Response(status_code=204, headers=_state(record))


@router.delete(
    "/{upload_id}",
    status_code=204,
    response_class=Response,
    responses=problems(UploadNotFoundError, TusVersionError, InvalidRequestError, UploadLockedError, EraseFailedError),
    openapi_extra={"parameters": [VERSION_HEADER]},
)
def delete_upload(request: Request, service: ServiceDep, caller: SubmitCaller, upload_id: UploadId) -> Response:
    """Erase an upload that has not become a job."""
    require_version(request)
    find_upload(service, caller.name, upload_id)
    with service.uploads.locked(upload_id):
        record = find_upload(service, caller.name, upload_id)
        if record.job_id:
            raise UploadNotFoundError("The upload became a job; delete the job")
        erase_upload(service, record)
    return Response(status_code=204)


def _create(service: ServiceContext, caller: Caller, length: int, metadata: str) -> UploadRecord:
    """Count the upload with its whole length, and create it."""
    if not length:
        raise EmptyFileError
    require_space(service, length)
    count_upload(service.redis, caller)
    count_bytes(service.redis, caller, length)
    upload_id = new_job_id()
    state = service.storage.begin(upload_id)
    record = UploadRecord(upload_id, caller.name, length, metadata=metadata, state=state)
    try:
        return service.uploads.create(record, service.settings.max_queued)
    except QueueFullError:
        service.storage.abort(upload_id, state)
        raise


def _state(record: UploadRecord) -> dict[str, str]:
    expires = record.expires_at.strftime("%a, %d %b %Y %H:%M:%S GMT")
    return {"Upload-Offset": str(record.offset), "Upload-Expires": expires}
