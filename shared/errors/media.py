"""A video that cannot be analysed."""

from duygu.shared.errors.base import DuyguError


class VideoError(DuyguError):
    """The file cannot be analysed for a reason that lies in the file."""

    code = "unusable_video"
    title = "The video cannot be used"
    status = 422


class EmptyFileError(VideoError):
    """The file has no bytes."""

    code = "empty_file"
    title = "The file is empty"


class NotAVideoError(VideoError):
    """The file is no video container: text, an archive, a program, random bytes, a playlist."""

    code = "not_a_video"
    title = "The file is not a video"
    status = 415


class NoVideoStreamError(VideoError):
    """The container has no video stream, as in a sound recording."""

    code = "no_video_stream"
    title = "The file has no video stream"


class EncryptedVideoError(VideoError):
    """The video stream is encrypted."""

    code = "encrypted"
    title = "The video is encrypted"


class TooManyPixelsError(VideoError):
    """The picture, or a frame of the video, has more pixels than the limit."""

    code = "too_many_pixels"
    title = "The picture or the frames of the video have too many pixels"


class TooLongError(VideoError):
    """The video is longer than the limit."""

    code = "too_long"
    title = "The video is too long"


class StartBeyondEndError(VideoError):
    """The option `start_s` is beyond the last picture of the video."""

    code = "start_beyond_end"
    title = "The part of the video starts after its end"


class EmptyPartError(VideoError):
    """No picture of the video is between `start_s` and `end_s`."""

    code = "empty_part"
    title = "The part of the video has no picture"


class UndecodableVideoError(VideoError):
    """The container has a video stream, but no frame of it could be decoded."""

    code = "undecodable"
    title = "No frame of the video could be decoded"


class DecoderLimitError(VideoError):
    """Decoding exceeded the memory or time limit."""

    code = "decoder_limit"
    title = "Decoding the video exceeded the memory or time limit"
