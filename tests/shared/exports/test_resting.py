"""The resting face in words, in the report and in the table of the command line."""

import pytest
from rich.console import Console

from duygu.services.commands.display import summary
from duygu.shared.exports.report import html_report
from duygu.shared.exports.spans import resting_in_words
from duygu.shared.schemas.result import Baseline, RecordedBaseline, Result
from tests.support.results.known import two_faces

RECORDED = RecordedBaseline(name="Rest <b>.mp4", model_sha256="0" * 64, windows=3, logits=[0.0] * 7)


def resting(baseline: Baseline | None) -> Result:
    """Return the result in which face 1 has a baseline."""
    one, *others = two_faces().faces
    return two_faces().model_copy(update={"faces": [one.model_copy(update={"baseline": baseline}), *others]})


@pytest.mark.parametrize(
    ("baseline", "words"),
    [
        (None, ""),
        (Baseline(source="span", spans=[(3, 13.04)], windows=2), "resting face: 3.0–13.0 s"),
        (
            Baseline(source="auto", spans=[(0, 2.4), (6, 8)], windows=8),
            "resting face: 0.0–2.4 s, 6.0–8.0 s, chosen automatically",
        ),
        (Baseline(source="recording", spans=[], windows=3, recording=RECORDED), "resting face from Rest <b>.mp4"),
    ],
)
def test_what_was_taken_is_named(baseline: Baseline | None, words: str) -> None:
    """Spans, an automatic choice and another recording are named; a face without a baseline has no words."""
    assert resting_in_words(resting(baseline).faces[0]) == words


def test_the_report_names_it_and_escapes_it() -> None:
    """The report has the words once, without tags of a file name; without a baseline it has none."""
    report = html_report(resting(Baseline(source="recording", spans=[], windows=3, recording=RECORDED)))
    assert report.count("<p>Resting face from Rest &lt;b&gt;.mp4. Predictions relative to it") == 1
    assert "esting face" not in html_report(resting(None))


def test_the_table_names_it() -> None:
    """The table of the command line has a line for each face with a baseline."""
    console = Console(width=200)
    with console.capture() as shown:
        console.print(summary("film", resting(Baseline(source="auto", spans=[(0, 2.4)], windows=4))))
    assert "Face 1: resting face: 0.0–2.4 s, chosen automatically" in shown.get()


def test_names_are_no_markup() -> None:
    """Names of files and faces in the form of terminal markup are printed as they are, and end nothing."""
    one, *others = two_faces().faces
    named = one.model_copy(update={"name": "Ann [/i]"})
    console = Console(width=200)
    with console.capture() as shown:
        console.print(summary("a[/b].mp4", two_faces().model_copy(update={"faces": [named, *others]})))
    assert "a[/b].mp4: " in shown.get()
    assert "Ann [/i]" in shown.get()
