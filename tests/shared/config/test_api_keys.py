"""API keys: creation, storage as hashes, scopes and reloading."""

import json
from pathlib import Path

import pytest

from duygu.shared.config.api_keys import ANONYMOUS, Caller, KeyLimits, Scope, add_key, open_keys, read_keys, remove_key
from duygu.shared.errors import ConfigurationError, ForbiddenError, UnauthorizedError

BOTH = frozenset({Scope.SUBMIT, Scope.READ})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Path of the key file."""
    return tmp_path / "keys.json"


def test_a_key_is_recognised(path: Path) -> None:
    """A key identifies its caller with name, scopes and limits; adding another key keeps it valid."""
    first = add_key(path, "app", BOTH, KeyLimits(uploads_per_minute=3))
    second = add_key(path, "other", frozenset({Scope.ADMIN}), KeyLimits())
    ring = read_keys(path)
    assert not ring.open
    caller = ring.caller(first)
    assert (caller.name, caller.scopes, caller.limits.uploads_per_minute) == ("app", BOTH, 3)
    assert ring.caller(second).name == "other"


def test_the_file_does_not_hold_the_key(path: Path) -> None:
    """The key file does not contain the key and is readable by its owner only."""
    secret = add_key(path, "app", BOTH, KeyLimits()).split("_", 2)[2]
    assert secret not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "change", ["", "x", "duygu_app_", "duygu_app_wrong", "duygu_unknown_{secret}", "other_app_{secret}"]
)
def test_other_keys_are_refused(path: Path, change: str) -> None:
    """Missing and malformed keys, wrong secrets and secrets under another name are refused."""
    secret = add_key(path, "app", BOTH, KeyLimits()).split("_", 2)[2]
    with pytest.raises(UnauthorizedError):
        read_keys(path).caller(change.format(secret=secret) or None)


def test_scopes_and_owners(path: Path) -> None:
    """A key allows what its scopes grant and sees its own jobs; `admin` allows and sees everything."""
    reader = added(path, "reader", frozenset({Scope.READ}))
    reader.require(Scope.READ)
    with pytest.raises(ForbiddenError, match="submit"):
        reader.require(Scope.SUBMIT)
    assert reader.may_see("reader")
    assert not reader.may_see("app")
    chief = added(path, "chief", frozenset({Scope.ADMIN}))
    chief.require(Scope.SUBMIT)
    assert chief.may_see("app")


def added(path: Path, name: str, scopes: frozenset[Scope]) -> Caller:
    """Return the caller of a new key."""
    key = add_key(path, name, scopes, KeyLimits())
    return read_keys(path).caller(key)


def test_without_keys_every_caller_is_accepted() -> None:
    """Without a key file, every caller has all scopes."""
    ring = read_keys(None)
    assert ring.open
    assert ring.caller(None) is ring.caller("anything") is ANONYMOUS


def test_an_empty_file_of_keys_refuses_every_key(tmp_path: Path) -> None:
    """With an empty key file, every caller is refused."""
    path = tmp_path / "keys.json"
    path.write_text("[]")
    with pytest.raises(UnauthorizedError):
        read_keys(path).caller(None)


def test_bad_files_and_names_are_errors(path: Path) -> None:
    """A missing or damaged key file stops the start, and a name is used only once."""
    with pytest.raises(ConfigurationError, match="No such file"):
        read_keys(path)
    add_key(path, "app", BOTH, KeyLimits())
    with pytest.raises(ConfigurationError, match="already"):
        add_key(path, "app", BOTH, KeyLimits())
    with pytest.raises(ConfigurationError, match="no name"):
        add_key(path, "My App", BOTH, KeyLimits())
    path.write_text("[{}]")
    with pytest.raises(ConfigurationError, match=r"0\.name: Field required"):
        read_keys(path)
    path.write_text(json.dumps([{"name": "app", "sha256": "secret", "scopes": []}]))
    with pytest.raises(ConfigurationError, match=r"0\.sha256") as refused:
        read_keys(path)
    assert "secret" not in refused.value.detail


def test_a_change_of_the_file_is_noticed(path: Path) -> None:
    """An added key is accepted and a removed one refused without a restart."""
    first = add_key(path, "first", BOTH, KeyLimits())
    keys = open_keys(path)
    second = add_key(path, "second", BOTH, KeyLimits())
    assert keys.caller(second).name == "second"
    remove_key(path, "first")
    with pytest.raises(UnauthorizedError):
        keys.caller(first)
    remove_key(path, "second")
    with pytest.raises(UnauthorizedError):
        keys.caller(second)


def test_a_file_that_is_replaced_is_noticed(path: Path, tmp_path: Path) -> None:
    """A file that replaces the key file, as Kubernetes does it, is loaded."""
    old = add_key(path, "app", BOTH, KeyLimits())
    keys = open_keys(path)
    other = tmp_path / "other.json"
    new = add_key(other, "app", BOTH, KeyLimits())
    other.replace(path)
    assert keys.caller(new).name == "app"
    with pytest.raises(UnauthorizedError):
        keys.caller(old)


def test_what_cannot_be_read_changes_nothing(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A key file that cannot be read keeps the previous keys and is logged once; a valid one is loaded."""
    key = add_key(path, "app", BOTH, KeyLimits())
    keys, whole = open_keys(path), path.read_text()
    path.write_text(whole[:20])
    assert keys.caller(key).name == keys.caller(key).name == "app"
    assert len(caplog.records) == 1
    path.unlink()
    assert keys.caller(key).name == "app"
    path.write_text("[]")
    with pytest.raises(UnauthorizedError):
        keys.caller(key)


def test_only_existing_keys_can_be_removed(path: Path) -> None:
    """Removing a key requires the file and a key of that name."""
    with pytest.raises(ConfigurationError, match="read"):
        remove_key(path, "app")
    add_key(path, "app", BOTH, KeyLimits())
    with pytest.raises(ConfigurationError, match="no key"):
        remove_key(path, "other")
