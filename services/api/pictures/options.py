"""The options of a request with pictures: query parameters, or fields of the form."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Query
from pydantic import WithJsonSchema

from duygu.shared.errors import InvalidRequestError
from duygu.shared.schemas.options import PICTURE_NAMES, AnalysisOptions, not_for_pictures, read_options


def described(name: str) -> dict[str, Any]:
    """The schema of an option in OpenAPI."""
    properties: dict[str, Any] = AnalysisOptions.model_json_schema()["properties"]
    return dict(properties[name])


LABELS = {"type": "string", "description": f"{described('labels')['description']}. Separated by commas"}

LabelsQuery = Annotated[str | None, Query(description=LABELS["description"])]

MinFaceQuery = Annotated[
    Annotated[str, WithJsonSchema({"type": "number"})] | None, Query(description=described("min_face")["description"])
]

MaxFacesQuery = Annotated[
    Annotated[str, WithJsonSchema({"type": "integer"})] | None, Query(description=described("max_faces")["description"])
]


def picture_options(query: Mapping[str, str | None], fields: Mapping[str, Sequence[str]]) -> AnalysisOptions:
    """The options of a request.

    Raises the error of an option that is invalid or does not apply to pictures, and InvalidRequestError for one that
    is both a query parameter and a form field.
    """
    for name in fields:
        if name not in PICTURE_NAMES:
            raise not_for_pictures(name)
        if query.get(name) is not None:
            raise InvalidRequestError(f"`{name}` is a query parameter and a form field; send one of them")
    texts = {name: texts[0] if len(texts) == 1 else list(texts) for name, texts in fields.items()}
    return read_options({**{name: text for name, text in query.items() if text is not None}, **texts})
