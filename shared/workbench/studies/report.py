"""HTML report of a study in one file, without scripts or external resources."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from duygu.shared.version import VERSION
from duygu.shared.workbench.studies.sources import methods, sources
from duygu.shared.workbench.studies.strips import STYLE as STRIP_STYLE
from duygu.shared.workbench.studies.strips import Strip, strip_html
from duygu.shared.workbench.studies.study import Study
from duygu.shared.workbench.studies.tables.table import Table

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #15171c; max-width: 1120px; margin: 32px auto; padding: 0 20px; }
h1 { font-size: 28px; letter-spacing: -.02em; } h2 { font-size: 20px; margin: 36px 0 8px; }
p.soft { color: #555b66; } svg { max-width: 100%; height: auto; display: block; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 8px; text-align: left; border-bottom: 1px solid #dcdcd6; }
td.sha { font: 11px ui-monospace, monospace; word-break: break-all; } .box { overflow-x: auto; }
@media print { body { margin: 0; max-width: none; } svg, tr { break-inside: avoid; }
  h2, h2 + p { break-after: avoid; } .box { overflow: visible; } }
"""

CLUSTER_COLUMNS = ("stimulus", "measure", "emotion", "group_a", "group_b", "start_s", "end_s", "mass", "p")

TRUST = (
    "An expression is not a feeling: this describes what faces show, not what people feel. A test says that groups "
    "differ; the ends of a cluster are descriptive. Look at the share without a usable face and the share of uncertain "
    "time before comparing participants."
)


CAPTION = (
    "Lines are means over the participants of a group, bands their 95 % intervals, and bars at the bottom of a panel "
    "the clusters in which two groups differ with p &lt; .05."
)

FACES = "The frames show faces of participants: share this report as you may share their recordings. "


def report(
    study: Study, tables: Sequence[Table], charts: Mapping[str, tuple[str, str]], strips: Sequence[Strip] = ()
) -> str:
    """Render the report.

    charts  stimulus and figure as SVG, by title
    strips  frames of videos, shown above the first figure of their stimulus
    """
    found = {table.name: table for table in tables}
    figures = "".join(_figures(charts, strips))
    faces = FACES if any(one.shows_faces for one in strips) else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Duygu study</title>'
        f"<style>{STYLE}{STRIP_STYLE}</style>"
        f'</head><body><h1>Study</h1><p class="soft">{escape(_counts(study))}</p>{_failed(study)}'
        f"{figures}{_clusters(found)}{_synchrony(found)}{_participants(study, found)}"
        f"<h2>Methods</h2>{''.join(f'<p>{escape(one)}</p>' for one in methods(study))}"
        f"<ul>{''.join(f'<li>{escape(one)}</li>' for one in sources(study))}</ul>{_videos(study)}"
        f'<p class="soft">{faces}{TRUST} Code book: codebook.md. Duygu {VERSION}.</p></body></html>\n'
    )


def _figures(charts: Mapping[str, tuple[str, str]], strips: Sequence[Strip]) -> Iterator[str]:
    if charts:
        yield f'<p class="soft">{CAPTION}</p>'
    seen: set[str] = set()
    for title, (stimulus, svg) in charts.items():
        frames = "" if stimulus in seen else strip_html(strips, stimulus)
        seen.add(stimulus)
        yield f"<h2>{escape(title)}</h2>{frames}{svg}"


def _counts(study: Study) -> str:
    people = {one.row.participant: one.row.group for one in study.recordings}
    groups = ", ".join(
        f"{group or 'without a group'}: {list(people.values()).count(group)}" for group in sorted(set(people.values()))
    )
    return f"{len(study.recordings)} of {len(study.outcomes)} recordings, {len(people)} participants ({groups})"


def _failed(study: Study) -> str:
    rows = [
        (str(one.row.line), one.row.path_text, one.error.code, one.error.detail) for one in study.outcomes if one.error
    ]
    return f"<h2>Failed recordings</h2>{_table(('row', 'path', 'error', 'detail'), rows)}" if rows else ""


def _clusters(tables: Mapping[str, Table]) -> str:
    clusters = tables["clusters"]
    if not clusters.rows:
        return ""
    rows = [[_shown(row.get(name)) for name in CLUSTER_COLUMNS] for row in clusters.rows]
    return (
        f"<h2>Differences between groups over time</h2><p>{escape(clusters.about)}</p>{_table(CLUSTER_COLUMNS, rows)}"
    )


def _synchrony(tables: Mapping[str, Table]) -> str:
    tests = tables.get("synchrony_tests")
    if not tests or not tests.rows:
        return ""
    names = [column.name for column in tests.columns]
    rows = [[_shown(row.get(name)) for name in names] for row in tests.rows]
    return f"<h2>Synchrony of pairs</h2><p>{escape(tests.about)}</p>{_table(names, rows)}"


def _participants(study: Study, tables: Mapping[str, Table]) -> str:
    names = ["participant", "group", "stimulus", "share_without_face", "share_uncertain"]
    names += [f"{label}_mean" for label in study.labels]
    rows = [[_shown(row.get(name)) for name in names] for row in tables["summary"].rows]
    return f"<h2>Participants</h2>{_table([name.replace('_', ' ') for name in names], rows)}"


def _videos(study: Study) -> str:
    rows = [(one.row.path_text, one.result.video.sha256 or "") for one in study.recordings]
    rows += dict.fromkeys(
        (f"{one.row.baseline.name} (baseline)", one.baseline_sha256 or "")
        for one in study.recordings
        if isinstance(one.row.baseline, Path)
    )
    return f"<h2>Videos</h2>{_table(('path', 'SHA-256'), rows, ('', 'sha'))}"


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return "" if value is None else str(value)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], kinds: Sequence[str] = ()) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join(f"<tr>{''.join(_cells(row, kinds))}</tr>" for row in rows)
    return f'<div class="box"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cells(row: Sequence[str], kinds: Sequence[str]) -> Iterator[str]:
    for index, cell in enumerate(row):
        kind = f' class="{kinds[index]}"' if kinds and kinds[index] else ""
        yield f"<td{kind}>{escape(cell)}</td>"
