"""The base class of all schemas, and types of their fields."""

import re
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

Probability = Annotated[float, Field(ge=0.0, le=1.0)]

Seconds = Annotated[float, Field(ge=0.0)]

JOB_ID = re.compile("[0-9a-f]{32}")
"""The id of a job, which is also the name of its folder."""

Box = tuple[float, float, float, float]


class Schema(BaseModel):
    """Base of the schemas: unknown fields are an error, instances are immutable, and numbers are finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), allow_inf_nan=False)

    @classmethod
    def read(cls, content: bytes | str) -> Self:
        """Parse JSON that a process of Duygu wrote, ignoring the fields that a newer version added.

        Input of users is parsed by `model_validate_json`, which rejects unknown fields. Raises ValidationError.
        """
        return cls.model_validate_json(content, extra="ignore")
