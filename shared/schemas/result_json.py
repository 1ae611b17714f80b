"""The JSON of a result in chunks, without the whole text in memory."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from pydantic_core import to_json

from duygu.shared.schemas.base import Schema
from duygu.shared.schemas.result import Face, Result

CHUNK = 256
"""Windows or positions that are serialised together."""


def json_chunks(result: Result) -> Iterator[bytes]:
    """The text that `pydantic_core.to_json` has for a result of lists, in chunks; windows and positions may be packed.

    A chunk has at most CHUNK windows or positions.
    """
    return _with_lists(result, {"faces": _joined(map(_face, result.faces))})


def _face(face: Face) -> Iterator[bytes]:
    return _with_lists(face, {"windows": _joined(_blocks(face.windows)), "positions": _joined(_blocks(face.positions))})


def _with_lists(model: Schema, lists: Mapping[str, Iterable[bytes]]) -> Iterator[bytes]:
    """The JSON of a model whose fields `lists`, in their order, have these texts between their brackets.

    No text of a client can look like the beginning of a list: JSON escapes its quotation marks.
    """
    rest = to_json(model.model_copy(update={name: [] for name in lists}))
    for name, chunks in lists.items():
        opening = f'"{name}":['.encode()
        before, rest = rest.split(opening, 1)
        yield before + opening
        yield from chunks
    yield rest


def _blocks(values: Iterable[Schema]) -> Iterator[Iterator[bytes]]:
    """The texts of the values without brackets, each of up to CHUNK values."""
    remaining = iter(values)
    while block := list(islice(remaining, CHUNK)):
        yield iter((to_json(block)[1:-1],))


def _joined(texts: Iterable[Iterator[bytes]]) -> Iterator[bytes]:
    """The chunks of all texts, with commas between the texts."""
    for number, chunks in enumerate(texts):
        if number:
            yield b","
        yield from chunks
