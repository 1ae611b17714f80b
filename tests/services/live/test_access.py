"""Access to live sessions, and their limits."""

import time
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from duygu.services.api.live import hub as live_hub
from duygu.shared.config.api_keys import KeyLimits, Scope, add_key
from duygu.shared.config.settings import Settings
from duygu.shared.jobs.heartbeat import send_heartbeat
from duygu.shared.jobs.queues import QueueName
from duygu.shared.live import api_store as live_store
from tests.services.conftest import serving, wait_until
from tests.services.live.conftest import StartLiveWorker
from tests.support.sockets import open_socket, opens, receive, until_closed


def test_without_a_worker_the_socket_is_refused(address: str) -> None:
    """Without a worker, the socket closes with the reason and a code that permits a retry."""
    with open_socket(address) as socket:
        (error,), code, reason = until_closed(socket)
    assert (error["code"], error["recoverable"], code, reason) == ("no_worker", False, 1013, "no_worker")


def test_only_so_many_sessions_are_open(live_settings: Settings, start_live_worker: StartLiveWorker) -> None:
    """A session beyond the limit is refused with its own code; closing a session makes room for another."""
    start_live_worker()
    with serving(live_settings.model_copy(update={"stream_sessions": 1})) as client:
        address = str(client.base_url)
        with open_socket(address) as socket:
            receive(socket)
            with open_socket(address) as refused:
                assert until_closed(refused)[1:] == (4429, "too_many_sessions")
        wait_until(lambda: opens(address))


def test_long_sessions_are_counted_to_their_end(
    live_settings: Settings, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that outlasts the lifetime of its counter entry still counts against the limit."""
    monkeypatch.setattr(live_store, "COUNTED_S", 2)
    monkeypatch.setattr(live_hub, "CHECK_INTERVAL_S", 0.02)
    send_heartbeat(redis, QueueName.LIVE, "worker")
    with serving(live_settings.model_copy(update={"stream_sessions": 1})) as client:
        address = str(client.base_url)
        with open_socket(address) as socket:
            receive(socket)
            time.sleep(2.2)
            with open_socket(address) as refused:
                assert until_closed(refused)[1:] == (4429, "too_many_sessions")


def test_pages_of_other_sites_are_refused(served: str) -> None:
    """A socket from a page of another origin is refused; a socket from the service's pages is accepted."""
    for origin in ("https://example.org", "http://[x"):
        with open_socket(served, origin=origin) as socket:
            (error,), code, _ = until_closed(socket)
        assert (error["code"], code) == ("forbidden", 4403)
    with open_socket(served, origin=served) as socket:
        assert receive(socket)["type"] == "session.created"


def test_the_socket_accepts_the_keys_of_the_service(
    live_settings: Settings, start_live_worker: StartLiveWorker, tmp_path: Path
) -> None:
    """The key is accepted as a header or, for browsers, as a subprotocol; a session requires the scope `submit`."""
    settings, submits, reads = with_keys(live_settings, tmp_path)
    start_live_worker()
    with serving(settings) as client:
        address = str(client.base_url)
        for options in (as_header(submits), {"subprotocols": ["duygu", f"duygu.key.{submits}"]}):
            with open_socket(address, **options) as socket:
                assert receive(socket)["type"] == "session.created"
                assert socket.subprotocol in (None, "duygu")
        for options, reason in (
            ({}, "unauthorized"),
            (as_header(submits + "x"), "unauthorized"),
            (as_header(reads), "forbidden"),
        ):
            with open_socket(address, **options) as socket:
                assert until_closed(socket)[1:] == (4403, reason)


def test_a_key_has_only_so_many_sessions(
    live_settings: Settings, start_live_worker: StartLiveWorker, tmp_path: Path
) -> None:
    """The session limit of a key does not affect other keys."""
    settings, limited, _ = with_keys(live_settings, tmp_path)
    assert settings.keys_file
    other = add_key(settings.keys_file, "other", frozenset({Scope.SUBMIT}), KeyLimits())
    start_live_worker()
    with serving(settings) as client:
        address = str(client.base_url)
        with open_socket(address, **as_header(limited)) as socket:
            receive(socket)
            with open_socket(address, **as_header(limited)) as refused:
                assert until_closed(refused)[1:] == (4429, "too_many_sessions")
            with open_socket(address, **as_header(other)) as another:
                assert receive(another)["type"] == "session.created"


def with_keys(settings: Settings, folder: Path) -> tuple[Settings, str, str]:
    """Return settings with two keys, and the keys: one may submit in one session at a time, the other may only read."""
    path = folder / "keys.json"
    submits = add_key(path, "submits", frozenset({Scope.SUBMIT}), KeyLimits(sessions=1))
    reads = add_key(path, "reads", frozenset({Scope.READ}), KeyLimits())
    return settings.model_copy(update={"keys_file": path}), submits, reads


def as_header(key: str) -> dict[str, Any]:
    """Return the options of a socket that sends its key as a header."""
    return {"additional_headers": {"Authorization": f"Bearer {key}"}}
