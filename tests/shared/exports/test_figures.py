"""Tests of the timeline as a figure: duygu.shared.exports.figure, svg and pdf."""

import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from duygu.shared.annotated import timeline_png
from duygu.shared.exports.figure import GUTTER, HEAD, LANE, MARGIN, MAX_LANES, WIDTH, Words, timeline
from duygu.shared.exports.palette import PALETTE
from duygu.shared.exports.pdf import pdf
from duygu.shared.exports.svg import svg
from duygu.shared.schemas.model import ProgramInfo
from duygu.shared.schemas.result import Result
from tests.support.results.known import two_faces

NAME = "Ağrı Dağı <şölen> & İğne.mp4"
SVG = "{http://www.w3.org/2000/svg}"


def result(name: str | None = NAME) -> Result:
    """Return a result with all metadata that a figure shows."""
    plain = two_faces()
    return plain.model_copy(
        update={
            "video": plain.video.model_copy(update={"name": name}),
            "analysed_at": datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
            "program": ProgramInfo(version="9.8"),
        }
    )


def words(of: Result) -> list[str]:
    """Return every text of a figure."""
    return [item.text for item in timeline(of).items if isinstance(item, Words)]


def test_it_has_a_description() -> None:
    """The figure has the file name, the model, the date, the version and the whole time axis."""
    texts = words(result())
    assert texts[0] == NAME
    assert texts[1] == "emotions over time, model tiny 1 · analysed 2026-03-01 12:30 UTC · duygu 9.8"
    assert [text for text in texts if text.startswith("0:0")] == [f"0:{half / 2:04.1f}" for half in range(11)]
    assert "time from the first picture (min:s)" in texts


def test_a_job_without_a_file_name_has_its_id() -> None:
    """Without a file name, the title is the job id."""
    assert words(result(None))[0] == "Job 0123"


def test_a_long_name_is_cut_at_its_end() -> None:
    """A long name is shortened to fit the figure."""
    assert words(result("a" * 400))[0].endswith("a…")


def test_what_is_uncertain_is_no_finding() -> None:
    """A face with only uncertain windows is marked as uncertain, and its emotions carry question marks."""
    texts = words(result())
    assert texts[texts.index("Face 2") + 1 :][:2] == ["uncertain throughout", "surprise? 100%"]
    assert "neutral? 100%" not in texts


def test_faces_that_are_left_out_are_counted() -> None:
    """A line below the last lane counts the faces without a lane."""
    plain = result()
    faces = [plain.faces[0].model_copy(update={"face_id": index + 1}) for index in range(MAX_LANES + 3)]
    assert "+ 3 more faces" in words(plain.model_copy(update={"faces": faces}))


def test_svg_holds_text_and_bars() -> None:
    """The SVG is well-formed, has the name as its title, and draws each bar at its time and height."""
    root = ElementTree.fromstring(svg(result()))  # noqa: S314 - trusted XML
    assert root.findtext(f"{SVG}title") == NAME
    assert NAME in [text.text for text in root.iter(f"{SVG}text")]
    bars = [rect.attrib for rect in root.iter(f"{SVG}rect") if rect.get("fill") == PALETTE["sadness"]]
    scale = (WIDTH - GUTTER - MARGIN) / 5
    (bar,) = (bar for bar in bars if float(bar["y"]) >= HEAD)
    assert float(bar["x"]) == pytest.approx(GUTTER + 4.0 * scale, abs=1)
    assert float(bar["height"]) == round(0.7 * LANE)
    patterns = {pattern.get("id") for pattern in root.iter(f"{SVG}pattern")}
    used = set(re.findall(r"url\(#([^)]*)\)", svg(result())))
    assert used == patterns
    assert f"hatch-{PALETTE['surprise'][1:]}" in used


def test_svg_survives_any_name() -> None:
    """The SVG stays well-formed with control characters in the name."""
    ElementTree.fromstring(svg(result("a\x00\x1b\ud800b\nc.mp4")))  # noqa: S314 - trusted XML


def test_the_pdf_cross_reference_table_is_right() -> None:
    """The cross-reference table of the PDF has the offset of every object, and its title is the name."""
    content = pdf(result()).encode("ascii")
    start = int(content.split(b"startxref\n")[1].split()[0])
    assert content[start:].startswith(b"xref\n0 ")
    places = [int(line[:10]) for line in content[start:].splitlines()[3:] if line.endswith(b" n ")]
    assert len(places) > 10
    for number, place in enumerate(places, 1):
        assert content[place:].startswith(b"%d 0 obj\n" % number)
    for length, stream in re.findall(rb"/Length (\d+) >>\nstream\n(.*?)\nendstream", content, re.DOTALL):
        assert len(stream) == int(length)
    assert NAME.encode("utf-16-be").hex().upper().encode() in content


@pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="there is no pdftoppm on this machine")
def test_pdf_looks_like_the_picture(tmp_path: Path) -> None:
    """A PDF rendered at the size of the PNG equals it except at edges."""
    (tmp_path / "plot.pdf").write_text(pdf(result()))
    subprocess.run(
        ["pdftoppm", "-r", "144", "-png", "-singlefile", tmp_path / "plot.pdf", tmp_path / "drawn"], check=True
    )
    drawn = cv2.imread(str(tmp_path / "drawn.png"))
    picture = cv2.imdecode(np.frombuffer(timeline_png(result()), np.uint8), cv2.IMREAD_COLOR)
    assert drawn is not None
    assert picture is not None
    assert drawn.shape == picture.shape
    parts = [cv2.blur(part.astype(np.float32), (9, 9)) for part in (drawn, picture)]
    assert np.abs(parts[0] - parts[1])[: HEAD + LANE].mean() < 3
