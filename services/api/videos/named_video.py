"""Submits a video that the JSON body of `POST /v1/videos` names: a link, or a resumable upload."""

import hashlib
from dataclasses import replace

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from duygu.services.api.jobs.baselines import require_baseline_job
from duygu.services.api.service import ServiceContext
from duygu.services.api.videos.admission import accept, admit, discard, require_place
from duygu.services.api.videos.edits_of import require_same_video
from duygu.services.api.videos.json_body import NamedVideo, read_json
from duygu.services.api.videos.multipart_form import Upload
from duygu.services.api.videos.submission import Submission, submit
from duygu.shared.errors import (
    EmptyFileError,
    InvalidRequestError,
    NotAVideoError,
    UploadIncompleteError,
    UploadNotFoundError,
)
from duygu.shared.inputs.links.link import parse_link
from duygu.shared.inputs.media.file_signature import SignatureCheck
from duygu.shared.inputs.uploads.record import UploadRecord
from duygu.shared.jobs.record import JobRecord
from duygu.shared.schemas.base import JOB_ID
from duygu.shared.schemas.options import require_labels
from duygu.shared.storage.base import UPLOAD


async def submit_named(request: Request, service: ServiceContext, draft: Submission) -> JobRecord:
    """Create or find the job of the video that the body names."""
    named = await read_json(request, service.settings.body_timeout_s)
    require_labels(named.options, service.model.labels)
    await run_in_threadpool(require_baseline_job, service, draft.caller, named.options)
    submit_video = _submit_link if named.url else _submit_upload
    return await run_in_threadpool(submit_video, service, draft, named)


def _submit_link(service: ServiceContext, draft: Submission, named: NamedVideo) -> JobRecord:
    if draft.edits_of:
        raise InvalidRequestError("`edits_of` needs the file of the video; a link may have another one by now")
    link = parse_link(named.url)
    service.link_policy.check(link)
    admission = admit(service, draft.caller, 0, draft.idempotency_key)
    upload = Upload(0, "", named.options)
    return accept(service, replace(draft, upload=upload, link=link, url=named.url), admission)


def _submit_upload(service: ServiceContext, draft: Submission, named: NamedVideo) -> JobRecord:
    """The job of an upload, which has the upload's id, so that its file stays where it is. May be repeated."""
    record = find_upload(service, draft.caller.name, named.upload_id)
    if record.job_id:
        return _job(service, record.job_id)
    if not record.complete:
        raise UploadIncompleteError(f"The upload has {record.offset} of {record.length} bytes")
    require_place(service)
    with service.uploads.locked(record.upload_id):
        submission = replace(draft, job_id=record.upload_id, upload=_completed(service, record, named))
        require_same_video(service, submission)
        job = submit(service, submission)
        service.uploads.submitted(record, job.job_id)
    if job.job_id != record.upload_id:
        discard(service, record.upload_id)
    return job


def find_upload(service: ServiceContext, owner: str, upload_id: str) -> UploadRecord:
    """An upload of a caller. Raises UploadNotFoundError, also for that of another caller."""
    record = service.uploads.read(upload_id) if JOB_ID.fullmatch(upload_id) else None
    if record is None or record.owner != owner:
        raise UploadNotFoundError
    return record


def _job(service: ServiceContext, job_id: str) -> JobRecord:
    record = service.jobs.read(job_id)
    if record is None:
        raise UploadNotFoundError("The job of this upload was erased or has expired")
    return record


def _completed(service: ServiceContext, record: UploadRecord, named: NamedVideo) -> Upload:
    """The file of an upload, examined as that of a form is. One that is not a video is erased."""
    storage, upload_id = service.storage, record.upload_id
    digest, signature = hashlib.sha256(), SignatureCheck()
    try:
        storage.complete(upload_id, record.state)
        for piece in storage.pieces(upload_id, UPLOAD, 0, record.length):
            digest.update(piece)
            signature.feed(piece)
        if not record.length:
            raise EmptyFileError
        signature.finish()
    except FileNotFoundError as error:
        raise UploadNotFoundError from error
    except (NotAVideoError, EmptyFileError):
        erase_upload(service, record)
        raise
    return Upload(record.length, digest.hexdigest(), named.options)


def erase_upload(service: ServiceContext, record: UploadRecord) -> None:
    """Erase an upload that has not become a job. Raises EraseFailedError."""
    service.storage.abort(record.upload_id, record.state)
    service.uploads.erase(record)
