"""Settings from the environment and from files."""

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from duygu.shared.config.settings import LONGEST_RESULT_TTL, Settings

SECRET = f"whsec_{'A' * 43}="


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of secrets."""
    monkeypatch.setenv("DUYGU_SECRETS_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("write", [str.lower, str.upper])
def test_a_file_stands_for_its_variable(folder: Path, write: Callable[[str], str]) -> None:
    """A file sets its variable, with or without the prefix, in either case, and without its final line break."""
    (folder / write("duygu_webhook_secret")).write_text(f"{SECRET}\n")
    (folder / write("redis_url")).write_text("rediss://:hidden@redis:6379/0\n")
    settings = Settings()
    assert settings.webhook_secret == SECRET
    assert settings.redis_url == "rediss://:hidden@redis:6379/0"


def test_the_environment_goes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment takes precedence over files."""
    (folder / "redis_url").write_text("redis://file:6379/0")
    monkeypatch.setenv("REDIS_URL", "redis://environment:6379/0")
    assert Settings().redis_url == "redis://environment:6379/0"


def test_an_empty_file_sets_nothing_up(folder: Path) -> None:
    """An empty file sets nothing, as compose creates it for a missing secret."""
    (folder / "duygu_webhook_secret").write_text("")
    assert not Settings().webhooks


def test_the_folder_need_not_be_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing folder of secrets is ignored without a warning."""
    monkeypatch.setenv("DUYGU_SECRETS_DIR", str(folder / "missing"))
    assert Settings() == Settings(secrets_dir=folder / "missing")


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The representation of the settings contains no secret."""
    monkeypatch.setenv("REDIS_URL", "redis://:hidden@redis:6379/0")
    monkeypatch.setenv("DUYGU_STREAM_REDIS_URL", "redis://:hidden@redis:6379/1")
    monkeypatch.setenv("DUYGU_WEBHOOK_SECRET", SECRET)
    settings = Settings()
    assert settings.redis_url
    assert "hidden" not in repr(settings)
    assert SECRET not in repr(settings)


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable counts as not set, as compose passes it on."""
    monkeypatch.setenv("DUYGU_KEYS_FILE", "")
    monkeypatch.setenv("DUYGU_PORT", "")
    assert Settings() == Settings(keys_file=None, port=8000)


@pytest.mark.parametrize(
    "address", ["nonsense", "http://redis", "redis://redis:port/0", "redis://redis:99999/0", "redis://redis:0"]
)
def test_addresses_that_lead_nowhere_are_refused(address: str) -> None:
    """An invalid Redis address is refused at the start, with the expected form and without its password."""
    with pytest.raises(ValidationError, match="redis://host:port/0"):
        Settings(redis_url=address)


@pytest.mark.parametrize("address", ["", "redis://redis", "rediss://:secret@redis:6380/1", "unix:///tmp/valkey.sock"])
def test_addresses_of_redis(address: str) -> None:
    """Redis addresses may be plain, encrypted, or a Unix socket."""
    assert Settings(redis_url=address).redis_url == address


def test_results_are_kept_for_ten_years_at_most() -> None:
    """The lifetime of results is bounded by ten years, so that no expiry exceeds the range of dates."""
    assert Settings(result_ttl=LONGEST_RESULT_TTL).result_ttl == LONGEST_RESULT_TTL
    for seconds in (0, LONGEST_RESULT_TTL + 1, 10**18):
        with pytest.raises(ValidationError, match="result_ttl"):
            Settings(result_ttl=seconds)


def test_the_earlier_import_still_works_with_a_warning() -> None:
    """`from duygu.shared.config import Settings`, as the documentation had it, warns of its removal."""
    with pytest.warns(DeprecationWarning, match=r"duygu\.shared\.config\.settings"):
        earlier = importlib.import_module("duygu.shared.config").Settings
    assert earlier is Settings
