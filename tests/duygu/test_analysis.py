"""`duygu.analyze` and `Analysis`."""

import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pandas
import pytest
from matplotlib.figure import Figure

from duygu import Analysis
from duygu.shared.config.settings import Settings
from duygu.shared.errors import ConfigurationError
from duygu.shared.exports.palette import PALETTE
from duygu.shared.exports.spans import spans_of
from duygu.shared.paths import ROOT
from tests.support.results.known import two_faces

mpl.use("Agg")


@pytest.fixture
def analysis(settings: Settings) -> Analysis:
    """An analysis of a video file that does not exist."""
    return Analysis(Path("film.mp4"), two_faces(), settings)


def test_a_table_has_a_row_a_window(analysis: Analysis) -> None:
    """The table has numeric, boolean and text columns."""
    table = analysis.to_pandas()
    assert len(table) == 5
    assert table.loc[~table["uncertain"], "confidence"].min() == pytest.approx(0.6)
    assert table["flags"].tolist() == ["", "", "", "", "small|dark"]


def test_a_table_without_faces_has_its_columns(analysis: Analysis, settings: Settings) -> None:
    """A result without faces gives an empty table with the same columns."""
    empty = Analysis(analysis.path, two_faces().model_copy(update={"faces": []}), settings).to_pandas()
    assert isinstance(empty, pandas.DataFrame)
    assert list(empty.columns) == list(analysis.to_pandas().columns)


def test_a_plot_has_a_bar_a_span(analysis: Analysis) -> None:
    """A span is drawn at its time in the colour of its emotion, hatched if uncertain, on the given axes."""
    axes = analysis.plot(Figure().subplots())
    bars = [bar for bar in axes.patches if bar.get_width() and bar.get_height()]  # type: ignore[attr-defined]
    spans = [span for face in analysis.faces for span in spans_of(face)]
    assert [bar.get_x() for bar in bars] == [span.start_s for span in spans]  # type: ignore[attr-defined]
    assert [mpl.colors.to_hex(bar.get_facecolor()) for bar in bars] == [PALETTE[span.window.emotion] for span in spans]
    assert [bar.get_hatch() for bar in bars] == [None] * 4 + ["///"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["face 1", "face 2"]


def test_the_extension_decides_the_format(analysis: Analysis, tmp_path: Path) -> None:
    """Results are saved by extension; an unsupported one is rejected and leaves no file."""
    analysis.save(tmp_path / "film.csv")
    analysis.save(str(tmp_path / "film.png"))
    analysis.save(tmp_path / "film.TextGrid")
    analysis.save(tmp_path / "film.bids.zip")
    with pytest.raises(ConfigurationError, match=r"cannot be saved as \.docx"):
        analysis.save(tmp_path / "film.docx")
    names = {"film.csv", "film.png", "film.TextGrid", "film.bids.zip"}
    assert {path.name for path in tmp_path.iterdir()} == names
    assert (tmp_path / "film.TextGrid").read_text().startswith('File type = "ooTextFile"')


def test_the_video_is_never_overwritten(analysis: Analysis) -> None:
    """Saving over the video is rejected, whichever path names it."""
    with pytest.raises(ConfigurationError, match="would overwrite"):
        analysis.save(Path.cwd() / "film.mp4")


def test_the_import_is_light() -> None:
    """`import duygu` loads neither the engine nor packages for drawing, which a client may lack."""
    heavy = {"av", "cv2", "numpy", "pandas", "matplotlib", "onnxruntime"}
    code = f"import duygu, sys; print(sorted({heavy} & set(sys.modules)))"
    completed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert completed.stdout == "[]\n"
