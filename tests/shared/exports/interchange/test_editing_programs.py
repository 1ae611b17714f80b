"""Files for video editors, read back by OpenTimelineIO."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio
import pytest

from duygu.shared.exports import EXPORTS, ExportName
from duygu.shared.exports.interchange.frame_rate import USUAL, frame_rate
from duygu.shared.schemas.result import Result
from tests.support.results.edited import MOODS, NAME, edited, without_faces
from tests.support.results.known import two_faces


def clip(name: ExportName, result: Result, folder: Path, rate: float = 30) -> Any:
    """The only clip of the file."""
    path = folder / f"file.{name}"
    path.write_bytes(EXPORTS[name].write(result))
    more = {"rate": rate} if name == ExportName.EDL else {}
    timeline = opentimelineio.adapters.read_from_file(str(path), **more)
    [found] = timeline.find_clips()
    return found


def with_rate(rate: Fraction, duration_s: float = 60.0) -> Result:
    """A result of a video with this rate."""
    result = two_faces()
    video = {"frames_decoded": round(rate * Fraction(duration_s)), "duration_s": duration_s}
    return result.model_copy(update={"video": result.video.model_copy(update=video)})


@pytest.mark.parametrize("name", [ExportName.EDL, ExportName.OTIO])
def test_each_stretch_is_a_marker(name: ExportName, tmp_path: Path) -> None:
    """Markers have the face, the emotion and the confidence, the frame of their start, and a colour."""
    found = clip(name, edited(), tmp_path)
    markers = [(one.name, one.marked_range.start_time.to_frames(), one.color) for one in found.markers]
    assert markers == [
        (f"{NAME}: neutral 60%", 0, "WHITE"),
        ("Face 2: surprise? 40%", 15, "CYAN"),
        (f"{NAME}: happiness 85%", 21, "YELLOW"),
        (f"{NAME}: sadness 70%", 120, "BLUE"),
    ]
    assert found.name == "Interview 1.mp4"
    assert found.source_range.duration.to_frames() == 150


def test_otio_markers_last_as_long_as_the_stretch_and_keep_its_values(tmp_path: Path) -> None:
    """A marker's range is that of the stretch; its metadata have the face, the emotion and the confidence."""
    found = clip(ExportName.OTIO, edited(), tmp_path)
    of_one = [one for one in found.markers if one.metadata["duygu"]["face_id"] == 1]
    assert [one.metadata["duygu"]["emotion"] for one in of_one] == [emotion for emotion, _, _ in MOODS]
    lengths = [one.marked_range.duration.to_seconds() for one in of_one]
    assert lengths == [pytest.approx(end - start, abs=1 / 30) for _, start, end in MOODS]
    assert found.media_reference.target_url == "Interview 1.mp4"
    assert [bool(one.metadata["duygu"]["uncertain"]) for one in found.markers] == [False, True, False, False]


@pytest.mark.parametrize(
    "rate", [Fraction(24000, 1001), 24, 25, Fraction(30000, 1001), 30, 50, Fraction(60000, 1001), 60]
)
def test_times_are_counted_in_frames_of_the_video(rate: Fraction, tmp_path: Path) -> None:
    """The usual rates are recognised from the number of frames; a frame of either format is that of the start."""
    result = with_rate(Fraction(rate))
    assert frame_rate(result) == rate
    for name in (ExportName.EDL, ExportName.OTIO):
        last = clip(name, result, tmp_path, float(rate)).markers[-1]
        assert last.marked_range.start_time.to_frames() == round(4 * rate)


def test_a_variable_rate_is_counted_in_the_usual_one() -> None:
    """A rate that no editor has, as of a browser's recording, becomes 25 frames a second."""
    assert frame_rate(with_rate(Fraction(13))) == USUAL
    assert (
        frame_rate(
            without_faces().model_copy(update={"video": two_faces().video.model_copy(update={"duration_s": 0.0})})
        )
        == USUAL
    )


@pytest.mark.parametrize("name", [ExportName.EDL, ExportName.OTIO])
def test_a_video_without_faces_has_no_marker(name: ExportName, tmp_path: Path) -> None:
    """The file has the clip alone."""
    assert list(clip(name, without_faces(), tmp_path).markers) == []


def test_the_clock_of_editors_starts_with_the_first_frame(tmp_path: Path) -> None:
    """Sound before the first picture does not move markers, as editors count frames."""
    early, late = (EXPORTS[ExportName.OTIO].write(edited(first_s)) for first_s in (0.0, 1.5))
    assert early == late
