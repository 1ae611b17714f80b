"""Live sessions against a running API and worker, with messages of all kinds in any order."""

import struct
from collections.abc import Iterator

import numpy as np
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.fuzz.mutations import mutate, mutate_text, pick
from tests.fuzz.pictures import live_messages
from tests.fuzz.running import FindingError
from tests.support.sockets import open_socket, receive, send

FRAMING = struct.Struct(">?I")
"""Header of each message in an input: whether it is text, and its length."""

ORDERS = [
    b'{"type": "session.configure", "labels": ["fear", "anger"], "smallest_face": 0.1, "rate_hz": 5}',
    b'{"type": "session.configure", "min_face": 0.1, "max_faces": 2}',
    b'{"type": "session.configure"}',
    b'{"type": "session.close"}',
    b'{"type": "result", "seq": 1}',
]

MOST_MESSAGES = 8

INTERNAL = 1011


class Sessions:
    """Opens a session for each input, sends its messages, and closes it."""

    name = "sessions"
    deadline_s = 45.0

    def __init__(self, address: str) -> None:
        """Store the address of the API."""
        self._address, self._pictures = address, live_messages()

    def make(self, random: np.random.Generator) -> bytes:
        """Return concatenated messages, each after its FRAMING."""
        messages = []
        for _ in range(random.integers(1, MOST_MESSAGES + 1)):
            text = random.random() < 0.3
            content = pick(ORDERS if text else self._pictures, random)
            if random.random() < 0.8:
                content = mutate_text(content, random) if text else mutate(content, random)
            messages.append(FRAMING.pack(text, len(content)) + content)
        return b"".join(messages)

    def run(self, content: bytes) -> str:
        """Run a session. It must end with a code of the protocol other than `internal`."""
        try:
            with open_socket(self._address, close_timeout=5) as socket:
                try:
                    for text, message in _messages(content):
                        socket.send(message, text=text)
                    send(socket, "session.close")
                    while True:
                        self._check(receive(socket))
                except ConnectionClosed:
                    if socket.close_code == INTERNAL:
                        raise FindingError(f"closed with {INTERNAL}: {socket.close_reason}") from None
                    return f"closed with {socket.close_code}"
                except TimeoutError as error:
                    raise FindingError("the session was not closed") from error
        except InvalidStatus as error:
            return str(error.response.status_code)

    @staticmethod
    def _check(message: dict[str, object]) -> None:
        if message.get("code") == "internal":
            raise FindingError(f"the service reported {message}")


def _messages(content: bytes) -> Iterator[tuple[bool, bytes]]:
    at = 0
    while at + FRAMING.size <= len(content):
        text, length = FRAMING.unpack_from(content, at)
        at += FRAMING.size
        yield text, content[at : at + length]
        at += length
