"""API keys, each with scopes and limits. The key file holds the hashes of the keys and never the keys."""

import hashlib
import hmac
import json
import logging
import secrets
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from duygu.shared.errors import ConfigurationError, ForbiddenError, UnauthorizedError

logger = logging.getLogger(__name__)

PREFIX = "duygu"


class Scope(StrEnum):
    """A permission that a key grants."""

    SUBMIT = "submit"
    READ = "read"
    ADMIN = "admin"


class Priority(StrEnum):
    """Which jobs of waiting ones are started first; see shared/jobs/order.py."""

    INTERACTIVE = "interactive"
    """Before those of BULK, behind earlier ones of the same priority."""
    BULK = "bulk"
    """Behind INTERACTIVE, a few of which may be submitted later; never more."""


Limit = Annotated[int | None, Field(ge=0)]


class KeyLimits(BaseModel):
    """Limits of one key. Null sets no limit beyond those of the service."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uploads_per_minute: Limit = None
    pictures_per_minute: Limit = None
    jobs_waiting: Limit = None
    sessions: Limit = None
    megabytes_per_day: Limit = None
    jobs_kept: Limit = None
    studies: Limit = None


UNLIMITED = KeyLimits()


class StoredKey(BaseModel):
    """A key as stored in the key file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern="^[a-z0-9-]{1,40}$")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="of the secret part; that is random, so it needs no salt")
    scopes: frozenset[Scope]
    limits: KeyLimits = UNLIMITED
    priority: Priority = Priority.INTERACTIVE


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a request. `name` is empty where the service has no keys."""

    name: str
    scopes: frozenset[Scope]
    limits: KeyLimits = UNLIMITED
    priority: Priority = Priority.INTERACTIVE

    def require(self, scope: Scope) -> None:
        """Raise ForbiddenError unless the caller has the scope. `admin` includes every scope."""
        if not self.scopes & {scope, Scope.ADMIN}:
            raise ForbiddenError(f"The API key lacks the scope `{scope}`")

    def may_see(self, owner: str) -> bool:
        """Return whether the caller may access what `owner` owns."""
        return owner == self.name or Scope.ADMIN in self.scopes


ANONYMOUS = Caller("", frozenset(Scope))
"""The caller of every request where the service has no keys."""

_stored = TypeAdapter(list[StoredKey])


class KeyRing:
    """The keys of a service. Without a key file, every call is allowed; with an empty file, none is."""

    def __init__(self, keys: list[StoredKey] | None) -> None:
        self._keys = {key.name: key for key in keys or ()}
        self.open = keys is None

    def caller(self, token: str | None) -> Caller:
        """Return the caller that the key identifies. Raises UnauthorizedError."""
        if self.open:
            return ANONYMOUS
        prefix, _, rest = (token or "").partition("_")
        name, _, secret = rest.partition("_")
        key = self._keys.get(name)
        # Unknown names are compared as well, so that the response time does not reveal which names exist.
        matches = hmac.compare_digest(_hash(secret), key.sha256 if key else _hash(""))
        if prefix != PREFIX or not key or not matches:
            raise UnauthorizedError
        return Caller(key.name, key.scopes, key.limits, key.priority)


class Keys(Protocol):
    """Identifies callers by their API keys."""

    def caller(self, token: str | None) -> Caller:
        """Return the caller that the key identifies. Raises UnauthorizedError."""
        ...


class KeyFile:
    """The keys of a file, reloaded when the file changes. Raises ConfigurationError when it cannot be read at first.

    A later change that cannot be read, such as a file that is being written, leaves the loaded keys in force.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._refused = _stamp(path)
        self._ring = read_keys(path)

    def caller(self, token: str | None) -> Caller:
        """Return the caller that the key identifies in the current file. Raises UnauthorizedError."""
        self._look()
        return self._ring.caller(token)

    def _look(self) -> None:
        stamp = _stamp(self._path)
        if stamp in (self._seen, self._refused):
            return
        try:
            self._ring, self._seen = read_keys(self._path), stamp
            logger.info("the API key file has changed and was reloaded")
        except ConfigurationError as error:
            self._refused = stamp
            logger.error("%s; the previously loaded keys stay valid", error.detail)


def _stamp(path: Path) -> tuple[int, ...]:
    """Return a value that differs once the file has changed; empty where the file does not exist."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def open_keys(path: Path | None) -> Keys:
    """Open the keys of a service. Raises ConfigurationError."""
    return KeyRing(None) if path is None else KeyFile(path)


def read_keys(path: Path | None) -> KeyRing:
    """Read the keys of a file; without a file, return an open ring. Raises ConfigurationError."""
    if path is None:
        return KeyRing(None)
    try:
        return KeyRing(_read(path))
    except (OSError, ValidationError) as error:
        raise ConfigurationError(f"the API key file {path} cannot be read: {_reason(error)}") from error


def add_key(
    path: Path,
    name: str,
    scopes: frozenset[Scope],
    limits: KeyLimits,
    priority: Priority = Priority.INTERACTIVE,
) -> str:
    """Create a key, write its hash to the file, and return the key, which cannot be recovered later.

    Raises ConfigurationError when the file cannot be used or already has a key of that name.
    """
    secret = secrets.token_urlsafe(32)
    stored = stored_keys(path) if path.exists() else []
    try:
        key = StoredKey(name=name, sha256=_hash(secret), scopes=scopes, limits=limits, priority=priority)
    except ValidationError as error:
        raise ConfigurationError(
            f"{name!r} is no name of a key: 1 to 40 characters of a-z, 0-9 and hyphens are allowed"
        ) from error
    if any(other.name == name for other in stored):
        raise ConfigurationError(f"{path} already has a key named {name}")
    path.touch(mode=0o600)
    _write(path, [*stored, key])
    return f"{PREFIX}_{name}_{secret}"


def stored_keys(path: Path) -> list[StoredKey]:
    """Return the keys of a file in the order of their creation. Raises ConfigurationError for an unusable file."""
    try:
        return _read(path)
    except (OSError, ValidationError) as error:
        raise ConfigurationError(f"{path} cannot be read: {_reason(error)}") from error


def remove_key(path: Path, name: str) -> None:
    """Remove a key from a file. Raises ConfigurationError when the file cannot be used or has no such key."""
    stored = stored_keys(path)
    left = [key for key in stored if key.name != name]
    if len(left) == len(stored):
        raise ConfigurationError(f"{path} has no key named {name}")
    _write(path, left)


def _read(path: Path) -> list[StoredKey]:
    return _stored.validate_json(path.read_bytes())


def _reason(error: OSError | ValidationError) -> str:
    """Why a key file was refused; without its values, which are hashes of keys."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    [first, *_] = error.errors(include_input=False, include_url=False, include_context=False)
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else first["msg"]


def _write(path: Path, stored: list[StoredKey]) -> None:
    """Write in place: a container that mounts the file refers to it by its inode, not by its name."""
    path.write_text(json.dumps(_stored.dump_python(stored, mode="json"), indent=2) + "\n", encoding="utf-8")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
