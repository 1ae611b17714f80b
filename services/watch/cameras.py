"""The file of cameras of `duygu watch --cameras`."""

import re
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from duygu.shared.errors import ConfigurationError

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class Camera(BaseModel):
    """One camera."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=rf"^{NAME.pattern}$")]
    url: Annotated[str, Field(min_length=1)]
    rate_hz: Annotated[float, Field(gt=0, le=60)] = 10.0
    hardware: Annotated[str | None, Field(min_length=1)] = None
    result: Path | None = None


def read_cameras(path: Path) -> list[Camera]:
    """The cameras of a file, `[cameras.NAME]` with `url` and optionally `rate_hz`, `hardware` and `result`.

    Raises ConfigurationError.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        tables = content.get("cameras")
        if not isinstance(tables, dict) or not tables or set(content) != {"cameras"}:
            raise ConfigurationError(f"{path}: the file needs one table `[cameras.NAME]` per camera and no others")
        return [_camera(f"{path}: [cameras.{name}]", name, table) for name, table in tables.items()]
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}") from error


def _camera(place: str, name: str, table: object) -> Camera:
    if not isinstance(table, dict):
        raise ConfigurationError(f"{place}: a camera is a table with its `url`, not {table!r}")
    try:
        return Camera.model_validate({**table, "name": name})
    except ValidationError as error:
        fault = error.errors()[0]
        reason = fault["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"{place}: {'.'.join(map(str, fault['loc']))}: {reason}") from error
