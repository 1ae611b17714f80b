"""Frozen dataclasses as arrays, one for each field: files of parts contain no executable code."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, fields
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt

from duygu.shared.schemas.result import Flag

Array = npt.NDArray[Any]
Columns = dict[str, Array]
R = TypeVar("R")

HAS = "?"
"""Ends the name of the column that marks the rows whose array is not None."""


def pack(records: Sequence[Any], kind: type[Any]) -> Columns:
    """The stored fields of records of one dataclass, as columns. Arrays of one field have one shape."""
    columns: Columns = {}
    for field, hint in _stored(kind):
        columns |= _packed(field.name, [getattr(record, field.name) for record in records], hint)
    return columns


def unpack(columns: Mapping[str, Array], kind: type[R]) -> list[R]:
    """The inverse of `pack`. Raises KeyError, TypeError or ValueError for columns of another kind."""
    values = {field.name: _unpacked(field.name, columns, hint) for field, hint in _stored(kind)}
    return [kind(**dict(zip(values, row, strict=True))) for row in zip(*values.values(), strict=True)]


def _stored(kind: type[Any]) -> list[tuple[Field[Any], Any]]:
    """The fields of a dataclass that are part of its value, with their types without None."""
    hints = get_type_hints(kind)
    return [(field, _required(hints[field.name])) for field in fields(kind) if field.compare]


def _required(hint: Any) -> Any:
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (one for one in get_args(hint) if one is not type(None))
    return hint


def _packed(name: str, values: list[Any], hint: Any) -> Columns:
    if _is_flags(hint):
        order = list(Flag)
        return {name: np.array([sum(1 << order.index(flag) for flag in flags) for flags in values], np.int64)}
    if hint in SCALARS:
        filled = [np.nan if value is None else value for value in values]
        return {name: np.array(filled, SCALARS[hint])}
    present = [np.asarray(value) for value in values if value is not None]
    has = np.array([value is not None for value in values], np.bool_)
    return {name: np.stack(present) if present else np.zeros(0, np.float32), name + HAS: has}


SCALARS: Mapping[Any, type[Any]] = {float: np.float64, int: np.int64, bool: np.bool_}
"""Types of columns of numbers. A float may be None."""


def _unpacked(name: str, columns: Mapping[str, Array], hint: Any) -> list[Any]:
    if _is_flags(hint):
        read: Callable[[Any], Any] = get_origin(hint)
        return [read(flag for bit, flag in enumerate(Flag) if mask >> bit & 1) for mask in columns[name].tolist()]
    if hint is float:
        return [None if value != value else value for value in columns[name].tolist()]
    if hint in SCALARS:
        return list(columns[name].tolist())
    rows = iter(columns[name])
    return [_row(next(rows), hint) if has else None for has in columns[name + HAS].tolist()]


def _row(row: Array, hint: Any) -> Any:
    return tuple(row.tolist()) if get_origin(hint) is tuple else row


def _is_flags(hint: Any) -> bool:
    return get_origin(hint) in (tuple, frozenset) and Flag in get_args(hint)
