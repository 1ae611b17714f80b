"""Resumable uploads."""

from duygu.shared.errors.base import RequestError


class UploadError(RequestError):
    """A header of the tus protocol is missing or invalid."""

    code = "invalid_upload"
    title = "The request violates the tus protocol"
    status = 400


class UploadNotFoundError(UploadError):
    """The upload never existed, was deleted, has expired, or belongs to another API key."""

    code = "upload_not_found"
    title = "The upload does not exist"
    status = 404


class UploadIncompleteError(UploadError):
    """The upload lacks bytes, so it cannot become a job."""

    code = "upload_incomplete"
    title = "The upload is not complete"
    status = 409


class OffsetMismatchError(UploadError):
    """`Upload-Offset` is not the number of bytes that the service has."""

    code = "offset_mismatch"
    title = "The offset is not that of the upload"
    status = 409


class TusVersionError(UploadError):
    """`Tus-Resumable` is missing or names a version other than 1.0.0."""

    code = "unsupported_tus_version"
    title = "The version of the tus protocol is not supported"
    status = 412


class WrongContentTypeError(UploadError):
    """The bytes of an upload have to be sent as application/offset+octet-stream."""

    code = "wrong_content_type"
    title = "The content type is not that of an upload"
    status = 415


class UploadLockedError(UploadError):
    """Another request sends bytes of the same upload."""

    code = "upload_locked"
    title = "Another request sends bytes of this upload"
    status = 423
    retry_after_s = 1


class ChecksumMismatchError(UploadError):
    """The bytes do not have the checksum of `Upload-Checksum`; they were discarded."""

    code = "checksum_mismatch"
    title = "The bytes do not have the announced checksum"
    status = 460
