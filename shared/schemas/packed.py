"""Sequences of schema values in compressed form, for results of long videos in a process with little memory."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import ClassVar, TypeVar, cast, overload

from pydantic import TypeAdapter
from pydantic_core import to_json

from duygu.shared.schemas.base import Schema
from duygu.shared.schemas.result import Position, Result, Window

BLOCK = 256
"""Values that are packed and unpacked together."""

LEVEL = 1
"""Compression level. Keys repeat, so that the fastest level already saves most of the bytes."""

T = TypeVar("T", bound=Schema)


class PackedList(Sequence[T]):
    """Values of one schema, as blocks of compressed JSON: tens of bytes each instead of hundreds or thousands.

    It is immutable, and each access makes new values, which are equal to those that were packed. Read it in order: a
    block is unpacked as a whole, and only the last one is kept, of all lists together, as a result has two for a face.
    """

    _last: ClassVar[tuple[bytes, list[Schema]]] = (b"", [])
    """A block and its values, replaced as one, so that threads can share it."""

    def __init__(self, kind: type[T], values: Iterable[T]) -> None:
        self.kind = kind
        self._blocks: list[bytes] = []
        self._length = 0
        remaining = iter(values)
        while block := list(islice(remaining, BLOCK)):
            self._blocks.append(zlib.compress(to_json(block), LEVEL))
            self._length += len(block)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        for number in range(len(self._blocks)):
            yield from self._unpacked(number)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self[place] for place in range(self._length)[index]]
        number, place = divmod(range(self._length)[index], BLOCK)
        block, values = PackedList._last
        if block is not self._blocks[number]:
            values = list(self._unpacked(number))
            PackedList._last = (self._blocks[number], values)
        return cast(T, values[place])

    def _unpacked(self, number: int) -> list[T]:
        return cast(list[T], _list_of(self.kind).validate_json(zlib.decompress(self._blocks[number]), extra="ignore"))


@cache
def _list_of(kind: type[Schema]) -> TypeAdapter[list[Schema]]:
    return TypeAdapter(list[kind])  # type: ignore[valid-type]


def as_stored(values: Iterable[T], original: Sequence[T]) -> list[T]:
    """The values as a list, or packed if they replace packed ones in a result."""
    if isinstance(original, PackedList):
        return as_list(PackedList(original.kind, values))
    return list(values)


def as_list(values: Sequence[T]) -> list[T]:
    """The same sequence as the type of a field of the schema: a result with packed fields is read as any other.

    pydantic cannot serialise such a field; `duygu.shared.schemas.result_json` can.
    """
    return cast(list[T], values)


def packed(result: Result) -> Result:
    """The result with packed windows and positions."""
    faces = [
        face.model_copy(
            update={"windows": PackedList(Window, face.windows), "positions": PackedList(Position, face.positions)}
        )
        for face in result.faces
    ]
    return result.model_copy(update={"faces": faces})


def unpacked(result: Result) -> Result:
    """The result with lists, as the schema has it."""
    faces = [
        face.model_copy(update={"windows": list(face.windows), "positions": list(face.positions)})
        for face in result.faces
    ]
    return result.model_copy(update={"faces": faces})
