"""Seeded mutations of bytes."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

EXTREMES = (b"\0", b"\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\xff" * 4, b"\xff" * 8, b"\0" * 8)
"""Lengths, counts and times that overflow."""

HEADER_BYTES = 2000
"""Size of the part that most headers lie in."""


def mutate(content: bytes, random: np.random.Generator) -> bytes:
    """Flip, overwrite, remove, repeat or truncate bytes; half of the mutations are in the header."""
    data = bytearray(content)
    for _ in range(random.integers(1, 6)):
        reach = len(data) if random.random() < 0.5 else min(len(data), HEADER_BYTES)
        start = int(random.integers(0, max(reach, 1)))
        end = start + int(random.integers(1, 64))
        match random.integers(0, 6):
            case 0:
                data[start : start + 1] = bytes([int(random.integers(0, 256))])
            case 1:
                data[start:end] = random.bytes(end - start)
            case 2:
                del data[start:end]
            case 3:
                data[start:start] = data[start:end]
            case 4:
                extreme = EXTREMES[random.integers(0, len(EXTREMES))]
                data[start : start + len(extreme)] = extreme
            case _:
                del data[max(start, 8) :]
    return bytes(data)


TOKENS = (
    *(b"null", b"true", b"-1", b"0", b"1e999", b"-0.0", b"NaN", b"Infinity", b"9" * 40, b'""', b"[]", b"{}", b"[[[[[["),
    *(b'"\\ud800"', b"\\u0000", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n", b"\n", b",", b'"', b"'", b"=", b"%00"),
    *(b"%ff", b"../../../../etc/passwd", b"file:///etc/passwd", b"http://127.0.0.1:1/", b"A" * 5000),
    "\u202e\u0130\u0131\ufb01\U0001f600".encode(),
)
"""Tokens that often break parsers of text."""


def mutate_text(content: bytes, random: np.random.Generator) -> bytes:
    """Insert or replace tokens, or repeat lines; three times in ten, mutate the bytes instead."""
    if random.random() < 0.3:
        return mutate(content, random)
    data = content
    for _ in range(random.integers(1, 4)):
        token = pick(TOKENS, random)
        start = int(random.integers(0, len(data) + 1))
        match random.integers(0, 3):
            case 0:
                data = data[:start] + token + data[start:]
            case 1:
                words = data.replace(b",", b" , ").replace(b":", b" : ").split(b" ")
                words[random.integers(0, len(words))] = token
                data = b" ".join(words)
            case _:
                lines = data.split(b"\n")
                lines.insert(int(random.integers(0, len(lines) + 1)), lines[random.integers(0, len(lines))])
                data = b"\n".join(lines)
    return data


def pick(choices: Sequence[T], random: np.random.Generator) -> T:
    """Return one of the choices."""
    return choices[int(random.integers(0, len(choices)))]
