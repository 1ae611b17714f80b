"""The base of every error, and the lookup of errors by their code."""

from typing import ClassVar

SERVER_ERROR = 500
"""The smallest HTTP status of a server error."""


class DuyguError(Exception):
    """An error with a stable code.

    code           for programs
    title          the kind of error
    detail         this occurrence; the title where none is given
    status         HTTP status of the response
    retry_after_s  seconds after which a retry may succeed; None where it cannot
    """

    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"
    status: ClassVar[int] = 500
    retry_after_s: int | None = None

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or self.title
        super().__init__(self.detail)


class RequestError(DuyguError):
    """The client has to change the request before it can succeed."""

    status = 400


def _subclasses(cls: type[DuyguError]) -> list[type[DuyguError]]:
    return [cls, *(sub for child in cls.__subclasses__() for sub in _subclasses(child))]


def one_line(error: Exception) -> str:
    """One line for an error without a code: its type and the first line of its message."""
    first = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def server_error_codes() -> list[str]:
    """Codes of server errors: those that lie with the service and its surroundings, not with the request."""
    return [code for code, cls in by_code().items() if cls.status >= SERVER_ERROR]


def from_code(code: str, detail: str | None = None) -> DuyguError:
    """The error that a record, a child process or a service reported; DuyguError itself for an unknown code."""
    cls = by_code().get(code, DuyguError)
    error = cls.__new__(cls)
    DuyguError.__init__(error, detail)  # some subclasses build the detail from other arguments
    return error


def by_code() -> dict[str, type[DuyguError]]:
    """Every error class by its code, for the documentation and for re-raising what a child process reported."""
    found: dict[str, type[DuyguError]] = {}
    for cls in _subclasses(DuyguError):
        found.setdefault(cls.code, cls)
    return found
