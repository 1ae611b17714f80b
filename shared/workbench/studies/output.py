"""Files of a study in its output folder."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from duygu.shared.storage.atomic import write_atomically
from duygu.shared.version import VERSION
from duygu.shared.workbench.studies.chart import ONE_COLUMN, SANS, SERIF, TWO_COLUMNS, Layout, chart, title_of
from duygu.shared.workbench.studies.drawing import drawing_of
from duygu.shared.workbench.studies.drawing_files import pdf_of, png_of
from duygu.shared.workbench.studies.report import report
from duygu.shared.workbench.studies.statistics.permutation import Cluster, clusters_of, clusters_table
from duygu.shared.workbench.studies.statistics.synchrony import synchronies, synchrony_table, synchrony_tests_table
from duygu.shared.workbench.studies.statistics.time_course import (
    PLAIN,
    RELATIVE,
    GroupMean,
    TimeCourse,
    group_means,
    means_table,
    time_courses,
)
from duygu.shared.workbench.studies.strips import Reel, Strip, reels
from duygu.shared.workbench.studies.study import Study
from duygu.shared.workbench.studies.tables.codebook import codebook_json, codebook_markdown
from duygu.shared.workbench.studies.tables.parquet import has_parquet, parquet_of
from duygu.shared.workbench.studies.tables.table import Table

TABLES, RESULTS = "tables", "results"
"""Subfolders of the output."""

OPTIONAL = re.compile(
    r"tables/(markers|summary_speaking|synchrony|synchrony_tests)\.csv|tables/[a-z_]+\.parquet"
    rf"|figures/\d+-({PLAIN}|{RELATIVE})(-column)?(-serif)?\.(svg|pdf|png)"
)
"""Files that a study has or lacks, depending on its rows, markers and packages."""


MakeStrips = Callable[[Sequence[Reel]], Sequence[Strip]]
"""Makes the strips of reels, for a report with frames."""


def no_frames(_reels: Sequence[Reel]) -> Sequence[Strip]:
    """For a report without frames."""
    return ()


def write_study(
    study: Study,
    folder: Path,
    before_file: Callable[[], None] = lambda: None,
    make_strips: MakeStrips = no_frames,
    films: Mapping[str, Path] = MappingProxyType({}),
) -> list[Path]:
    """Write the tables, figures, report, code book and settings, each file atomically; the files. Raises OSError.

    Tables and figures of an earlier run that this study does not have are deleted, since they describe other rows.

    before_file  called before each file is written; it may raise to stop
    make_strips  makes the frames of the report
    films        files of stimuli, by the name of the stimulus; without one, frames are of recordings
    """
    written = []
    for name, content in _files(study, make_strips, films):
        before_file()
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
        written.append(path)
    _delete_others(folder, written)
    return written


def _delete_others(folder: Path, written: Sequence[Path]) -> None:
    """Delete the tables and figures of an earlier run; files with any other name stay."""
    for path in sorted({*folder.glob(f"{TABLES}/*"), *folder.glob("figures/*")} - {*written}):
        if OPTIONAL.fullmatch(path.relative_to(folder).as_posix()):
            path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is computed from the recordings of a study."""

    tables: Sequence[Table]
    courses: Sequence[TimeCourse]
    means: Sequence[Sequence[GroupMean]]
    clusters: Sequence[Sequence[Cluster]]
    """Of each time course."""


def statistics_of(study: Study) -> Statistics:
    """All tables, time courses, means and clusters."""
    settings = study.settings
    courses = time_courses(study.units, study.labels, settings)
    means = [group_means(course, settings) for course in courses]
    clusters = [clusters_of(course, settings) for course in courses]
    further = [means_table(courses, means, settings), clusters_table(courses, clusters, settings)]
    if together := synchronies(courses, settings):
        further += [synchrony_table(together, settings), synchrony_tests_table(together, settings)]
    return Statistics([*study.tables, *further], courses, means, clusters)


def _files(study: Study, make_strips: MakeStrips, films: Mapping[str, Path]) -> Iterator[tuple[str, bytes]]:
    found = statistics_of(study)
    for table in found.tables:
        yield f"{TABLES}/{table.name}.csv", table.csv().encode()
        if has_parquet():
            yield f"{TABLES}/{table.name}.parquet", parquet_of(table)
    yield "codebook.md", codebook_markdown(found.tables, study.settings).encode()
    yield "codebook.json", codebook_json(found.tables, study.settings).encode()
    yield "study.json", (json.dumps(_description(study), indent=2, ensure_ascii=False) + "\n").encode()
    charts = {}
    for number, (course, mean, cluster) in enumerate(zip(found.courses, found.means, found.clusters, strict=True), 1):
        svg = chart(course, mean, cluster)
        charts[title_of(course)] = (course.stimulus, svg)
        for name, content in _figures(course, mean, cluster):
            yield f"figures/{number}-{course.measure}{name}", content
    strips = make_strips(reels(found.courses, films))
    yield "report.html", report(study, found.tables, charts, strips).encode()


def _figures(course: TimeCourse, mean: Sequence[GroupMean], clusters: Sequence[Cluster]) -> Iterator[tuple[str, bytes]]:
    """A figure over two columns and in one, with either typeface, as SVG, PDF and PNG."""
    for width, layout in (("", TWO_COLUMNS), ("-column", ONE_COLUMN)):
        for typeface, family in (("", SANS), ("-serif", SERIF)):
            yield from _figure(
                f"{width}{typeface}", chart(course, mean, clusters, layout=layout, family=family), layout
            )


def _figure(name: str, svg: str, layout: Layout) -> Iterator[tuple[str, bytes]]:
    yield f"{name}.svg", svg.encode()
    drawing = drawing_of(svg)
    yield f"{name}.pdf", pdf_of(drawing, layout.width_mm)
    yield f"{name}.png", png_of(drawing, layout.width_mm)


def _description(study: Study) -> dict[str, object]:
    """What the tables were computed from and with."""
    models = {one.result.model.sha256: one.result.model for one in study.recordings}
    programs = {one.result.program.version for one in study.recordings if one.result.program}
    return {
        "program": {"name": "duygu", "version": VERSION},
        "analysed_by": sorted(programs),
        "models": [{"name": one.name, "version": one.version, "sha256": one.sha256} for one in models.values()],
        "settings": study.settings.values(),
        "rows": len(study.outcomes),
        "failed": sum(one.error is not None for one in study.outcomes),
        "videos": {one.row.path_text: one.result.video.sha256 for one in study.recordings},
    }
