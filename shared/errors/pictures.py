"""A request with pictures."""

from duygu.shared.errors.base import RequestError
from duygu.shared.errors.services import UnavailableError


class AnimatedPictureError(RequestError):
    """The picture is an animation, which has no single result."""

    code = "animated_picture"
    title = "The picture is animated"
    status = 422


class TooManyPicturesError(RequestError):
    """The request has more pictures than the limit."""

    code = "too_many_pictures"
    title = "The request has too many pictures"
    status = 413


class PictureTimeoutError(UnavailableError):
    """No worker has replied to the picture in time."""

    code = "picture_timed_out"
    title = "The picture was not analysed in time"
