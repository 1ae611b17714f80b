"""Content negotiation."""

import pytest

from duygu.services.api.http.negotiation import preferred

KNOWN = ["application/json", "text/csv", "text/html", "image/png"]


@pytest.mark.parametrize(
    ("accept", "best"),
    [
        ("text/csv", "text/csv"),
        ("TEXT/CSV; q=0.5", "text/csv"),
        ("text/html;q=0.1, text/csv;q=0.9", "text/csv"),
        ("text/html, text/csv", "text/html"),
        ("text/csv;q=0, */*", "application/json"),
        ("application/json;q=0, */*", "text/csv"),
        ("text/*;q=0, application/json;q=0, */*;q=0.1", "image/png"),
        ("*/*;q=0, text/html", "text/html"),
        ("text/csv;q=0.1, text/*", "text/html"),
        ("application/*;q=0, application/xml", None),
        ("image/*", "image/png"),
        ("*/*;q=0.1, text/html", "text/html"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("application/xml", None),
        ("text/csv;q=0", None),
        ("text/csv;q=nan, text/html;q=0.9", "text/csv"),
        ("text/csv;q=high", "text/csv"),
        ("", None),
        (",;,", None),
    ],
)
def test_the_best_supported_type_is_chosen(accept: str, best: str | None) -> None:
    """Types are chosen by quality, then by order; q=0 excludes a type, and the most specific range applies."""
    assert preferred(accept, KNOWN) == best
