"""Figures of a study as SVG, PDF and PNG, read by other programs."""

import io
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from duygu.shared.workbench.studies.chart import COLOURS, ONE_COLUMN, SANS, SERIF, TWO_COLUMNS, Layout, chart
from duygu.shared.workbench.studies.drawing import Drawing, Shape, drawing_of
from duygu.shared.workbench.studies.drawing_files import DPI, pdf_of, png_of
from duygu.shared.workbench.studies.settings import StudySettings
from duygu.shared.workbench.studies.sheet import Sheet, StudyRow
from duygu.shared.workbench.studies.statistics.time_course import PLAIN, RELATIVE, group_means, time_courses
from duygu.shared.workbench.studies.study import Study, outcomes_of
from tests.support.results.study import planted

SETTINGS = StudySettings(resamples=100, permutations=100)

LEAST_POINTS = 6.0
"""Smallest letters that journals accept."""


@pytest.fixture(scope="module")
def figures() -> dict[Layout, str]:
    """A figure of two groups of five, in both layouts."""
    rows = [
        StudyRow(place + 2, Path(f"{place}.mp4"), f"{place}.mp4", f"P{place}", group="ab"[place % 2], stimulus="<film>")
        for place in range(10)
    ]
    sheet = Sheet(rows)
    results = {row.path: planted(8.0, (2.0, 5.0 + row.line / 10), high=0.9 - row.line / 40) for row in rows}
    study = Study(sheet, outcomes_of(sheet, results.__getitem__), settings=SETTINGS)
    [course] = time_courses(study.units, study.labels, SETTINGS)
    return {layout: chart(course, group_means(course, SETTINGS), layout=layout) for layout in (ONE_COLUMN, TWO_COLUMNS)}


@pytest.mark.parametrize("measure", [PLAIN, RELATIVE])
@pytest.mark.parametrize("layout", [ONE_COLUMN, TWO_COLUMNS])
def test_the_axes_are_named_within_the_figure(layout: Layout, measure: str) -> None:
    """The figure says what it shows, in letters that do not reach its edge, and names intervals only if it has them."""
    for people in (4, 5):
        rows = [StudyRow(place, Path("a.mp4"), f"{place}.mp4", f"P{place}", baseline=(0, 2)) for place in range(people)]
        sheet = Sheet(rows)
        study = Study(sheet, outcomes_of(sheet, lambda _: planted(8.0, (2.0, 5.0))), settings=SETTINGS)
        [course] = [one for one in time_courses(study.units, study.labels, SETTINGS) if one.measure == measure]
        for family in (SANS, SERIF):
            svg = chart(course, group_means(course, SETTINGS), layout=layout, family=family)
            [text] = re.findall(">(Probability[^<]*)<", svg)
            assert ("less baseline" in text) == (measure == RELATIVE)
            assert ("95 % interval" in text) == (people == 5)
            drawing = drawing_of(svg)
            ends = [x for shape in drawing.shapes for polygon in shape.polygons for x, _ in polygon]
            assert max(ends) <= drawing.width


@pytest.mark.parametrize("layout", [ONE_COLUMN, TWO_COLUMNS])
def test_letters_are_large_enough_in_print(layout: Layout, figures: dict[Layout, str]) -> None:
    """At the width of the layout, letters have at least six points."""
    root = ElementTree.fromstring(figures[layout])  # noqa: S314 - our own figure
    points = float(root.attrib["font-size"]) * layout.width_mm / 25.4 * 72 / float(root.attrib["width"])
    assert points >= LEAST_POINTS


@pytest.mark.parametrize("layout", [ONE_COLUMN, TWO_COLUMNS])
def test_a_pdf_has_the_size_of_the_layout_and_the_pixels_of_the_png(
    layout: Layout, figures: dict[Layout, str], tmp_path: Path
) -> None:
    """poppler renders the page as wide as the column; its picture equals the PNG but for the edges."""
    if not shutil.which("pdftoppm"):
        pytest.skip("there is no pdftoppm on this machine")
    drawing = drawing_of(figures[layout])
    path = tmp_path / "figure.pdf"
    path.write_bytes(pdf_of(drawing, layout.width_mm))
    output = subprocess.run(["pdfinfo", path], capture_output=True, check=True, text=True).stdout
    size = re.search(r"Page size: +([\d.]+) x", output)
    assert size
    assert float(size[1]) == pytest.approx(layout.width_mm / 25.4 * 72, abs=0.1)
    subprocess.run(["pdftoppm", "-r", str(DPI), "-png", path, tmp_path / "page"], check=True)
    with (
        Image.open(next(tmp_path.glob("page*.png"))) as page,
        Image.open(io.BytesIO(png_of(drawing, layout.width_mm))) as png,
    ):
        assert png.info["dpi"][0] == pytest.approx(DPI, abs=0.1)
        width, height = (min(sides) for sides in zip(page.size, png.size, strict=True))
        one, other = (np.asarray(picture.convert("L"), float)[:height, :width] for picture in (page, png))
    assert np.abs(one - other).mean() < 3
    assert np.abs(one - 255).mean() > 3


def test_groups_have_colours_and_dashes(figures: dict[Layout, str]) -> None:
    """Lines of the two groups differ in colour and in dashes, in the drawing as in the SVG."""
    lines = [shape for shape in drawing_of(figures[TWO_COLUMNS]).shapes if shape.line and shape.colour in COLOURS]
    assert {shape.colour for shape in lines} == set(COLOURS[:2])
    assert {shape.colour: bool(shape.dashes) for shape in lines} == {COLOURS[0]: False, COLOURS[1]: True}


def test_a_serif_figure_differs_in_its_typeface_only(figures: dict[Layout, str]) -> None:
    """The SVG names the typeface once."""
    assert SERIF not in figures[TWO_COLUMNS]
    assert figures[TWO_COLUMNS].count("font-family") == 1


def test_pdf_and_png_have_letters_with_serifs(figures: dict[Layout, str]) -> None:
    """The letters of the two typefaces differ in their outlines; lines and areas are the same."""
    sans = drawing_of(figures[TWO_COLUMNS])
    serif = drawing_of(figures[TWO_COLUMNS].replace(SANS, SERIF))

    def without_letters(drawing: Drawing) -> list[Shape]:
        return [shape for shape in drawing.shapes if shape.line > 1 or shape.opacity < 1]

    assert without_letters(serif) == without_letters(sans)
    assert sum(len(part) for shape in serif.shapes for part in shape.polygons) > sum(
        len(part) for shape in sans.shapes for part in shape.polygons
    )
    assert png_of(serif, TWO_COLUMNS.width_mm) != png_of(sans, TWO_COLUMNS.width_mm)
