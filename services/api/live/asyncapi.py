"""`/v1/asyncapi.json`: the AsyncAPI document of the live socket, generated from the message schemas."""

from functools import cache
from typing import Any

from fastapi import APIRouter
from pydantic.json_schema import models_json_schema

from duygu.services.api.http.problems import problems
from duygu.services.api.live.message_examples import EXAMPLES
from duygu.shared.live.header import HEADER, MAGIC, VERSION
from duygu.shared.live.messages import (
    PROTOCOL_VERSION,
    Close,
    CloseCode,
    Configure,
    Configured,
    FrameDropped,
    FrameError,
    FrameResult,
    SessionClosed,
    SessionCreated,
)
from duygu.shared.schemas.base import Schema

router = APIRouter(tags=["live"])

ASYNCAPI_VERSION = "3.0.0"

RECEIVED: tuple[type[Schema], ...] = (Configure, Close)
SENT: tuple[type[Schema], ...] = (SessionCreated, Configured, FrameResult, FrameDropped, FrameError, SessionClosed)

FRAME = {
    "name": "frame",
    "title": "A frame",
    "summary": "A binary message: one JPEG, PNG or WebP picture, optionally after a header.",
    "description": (
        f"The header has {HEADER.size} bytes, big-endian: the bytes `{MAGIC.decode()}`; version {VERSION} (one byte); "
        "three zero bytes; the frame number of the client (32 bits, unsigned); the capture time in microseconds of the "
        "client's clock (64 bits, unsigned). The reply repeats number and time. Capture times must increase."
    ),
    "contentType": "application/octet-stream",
    "payload": {"type": "string", "format": "binary"},
}


@router.get("/v1/asyncapi.json", summary="AsyncAPI document of the live socket", responses=problems())
def read_schema() -> dict[str, Any]:
    """Describe the messages of the WebSocket `/v1/stream`."""
    return document()


@cache
def document() -> dict[str, Any]:
    """The AsyncAPI document."""
    received, sent = [_name(message) for message in RECEIVED], [_name(message) for message in SENT]
    return {
        "asyncapi": ASYNCAPI_VERSION,
        "info": {"title": "Duygu live", "version": PROTOCOL_VERSION, "description": _introduction()},
        "defaultContentType": "application/json",
        "channels": {
            "stream": {
                "address": "/v1/stream",
                "messages": {name: _reference("messages", name) for name in ["frame", *received, *sent]},
                "bindings": {"ws": {"method": "GET"}},
            }
        },
        "operations": {
            "receive": _operation("receive", ["frame", *received]),
            "send": _operation("send", sent),
        },
        "components": {"messages": _messages(), "schemas": _schemas()},
    }


def _introduction() -> str:
    codes = "\n".join(f"- {code.value} {code.name.lower()}" for code in CloseCode)
    return (
        "The first message is `session.created`. Each frame gets exactly one reply, a `result`, `dropped` or `error`, "
        "in the order of the frames. The socket closes with one of these codes; the reason is an error code:\n\n"
        f"{codes}"
    )


def _operation(action: str, messages: list[str]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/stream"},
        "messages": [{"$ref": f"#/channels/stream/messages/{name}"} for name in messages],
    }


def _messages() -> dict[str, Any]:
    described = {_name(message): _message(message) for message in (*RECEIVED, *SENT)}
    return {"frame": FRAME, **described}


def _message(message: type[Schema]) -> dict[str, Any]:
    name, summary = _name(message), (message.__doc__ or "").partition("\n")[0]
    examples = [{"name": title, "payload": payload} for title, payload in EXAMPLES[name].items()]
    return {
        "name": name,
        "summary": summary,
        "payload": _reference("schemas", message.__name__),
        "examples": examples,
    }


def _schemas() -> dict[str, Any]:
    inputs = [(message, "validation") for message in RECEIVED] + [(message, "serialization") for message in SENT]
    _, schema = models_json_schema(inputs, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    return dict(schema["$defs"])


def _name(message: type[Schema]) -> str:
    """The `type` of a message."""
    return str(message.model_fields["type"].annotation.__args__[0])  # type: ignore[union-attr]


def _reference(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}
