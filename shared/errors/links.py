"""Links to videos: refused by the rules of the service, or without a video."""

from duygu.shared.errors.base import DuyguError, RequestError


class LinkError(DuyguError):
    """The video of a link could not be fetched for a reason that lies in the link or its server."""

    code = "link_failed"
    title = "The link could not be fetched"
    status = 422


class LinkRefusedError(LinkError, RequestError):
    """The link is malformed, or the rules of the service do not permit its address or that of a redirect."""

    code = "link_refused"
    title = "The link is not allowed"
    status = 422


class LinkUnreachableError(LinkError):
    """The server of the link cannot be reached, or the connection broke too often."""

    code = "link_unreachable"
    title = "The server of the link cannot be reached"


class LinkIsAPageError(LinkError):
    """The link leads to an HTML page, such as the page of a player or of a login, in place of a video file."""

    code = "link_is_a_page"
    title = "The link leads to a web page, not to a video file"


class LinkTooSlowError(LinkError):
    """The video did not arrive within the time limit, or the server sent too slowly."""

    code = "link_too_slow"
    title = "The server of the link is too slow"
