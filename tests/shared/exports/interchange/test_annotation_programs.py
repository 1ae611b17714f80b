"""Files for ELAN, Praat and BORIS, read back by other programs' libraries."""

import json
from pathlib import Path

import parselmouth
import pytest
from parselmouth.praat import call
from praatio import textgrid as praatio
from pympi import Eaf

from duygu.shared.exports import EXPORTS, ExportName
from duygu.shared.schemas.emotions import EMOTIONS
from duygu.shared.schemas.result import Result
from duygu.shared.workbench.labels.formats.reading import read_label_file
from tests.support.results.edited import MOODS, NAME, edited, without_faces
from tests.support.results.known import two_faces


def write(name: ExportName, result: Result, folder: Path) -> Path:
    """The file of a result."""
    path = folder / f"file.{name}"
    path.write_bytes(EXPORTS[name].write(result))
    return path


def elan(result: Result, folder: Path) -> Eaf:
    """The file for ELAN as pympi reads it."""
    return Eaf(str(write(ExportName.EAF, result, folder)))


def test_elan_has_a_tier_for_each_face_that_is_not_excluded(tmp_path: Path) -> None:
    """A named face's tier has its name, and annotations in milliseconds; the excluded face has none."""
    file = elan(edited(), tmp_path)
    assert list(file.get_tier_names()) == [NAME, f"{NAME}: uncertain", "Face 2", "Face 2: uncertain"]
    assert sorted(file.get_annotation_data_for_tier(NAME)) == [
        (round(start * 1000), round(end * 1000), emotion) for emotion, start, end in MOODS
    ]
    assert file.get_parameters_for_tier(NAME)["PARTICIPANT"] == NAME


def test_elan_offers_the_labels_as_a_controlled_vocabulary(tmp_path: Path) -> None:
    """Tiers have a type whose vocabulary is the labels of the model."""
    file = elan(edited(), tmp_path)
    kind = file.get_parameters_for_linguistic_type(file.get_parameters_for_tier("Face 2")["LINGUISTIC_TYPE_REF"])
    entries = file.get_cv_entries(kind["CONTROLLED_VOCABULARY_REF"])
    assert {text for values, _ in entries.values() for text, _, _ in values} == set(EMOTIONS)


def test_elan_marks_uncertain_annotations_in_a_child_tier(tmp_path: Path) -> None:
    """The child tier is associated with its parent, and has an annotation for each uncertain one."""
    file = elan(edited(), tmp_path)
    parameters = file.get_parameters_for_tier("Face 2: uncertain")
    assert parameters["PARENT_REF"] == "Face 2"
    kind = file.get_parameters_for_linguistic_type(parameters["LINGUISTIC_TYPE_REF"])
    assert kind["CONSTRAINTS"] == "Symbolic_Association"
    assert [one[:3] for one in file.get_ref_annotation_data_for_tier("Face 2: uncertain")] == [(500, 1400, "uncertain")]
    assert list(file.get_ref_annotation_data_for_tier(f"{NAME}: uncertain")) == []


def test_elan_links_the_video_by_its_name(tmp_path: Path) -> None:
    """The media descriptor names the file beside the annotations; without a name, nothing is linked."""
    [media] = elan(edited(), tmp_path).get_linked_files()
    assert media["RELATIVE_MEDIA_URL"] == "./Interview 1.mp4"
    assert media["MIME_TYPE"] == "video/mp4"
    assert elan(two_faces(), tmp_path).get_linked_files() == []


def praat(result: Result, folder: Path) -> praatio.Textgrid:
    """The TextGrid as praatio reads it."""
    return praatio.openTextgrid(str(write(ExportName.TEXTGRID, result, folder)), includeEmptyIntervals=False)


def test_praat_has_intervals_for_each_face(tmp_path: Path) -> None:
    """Intervals have the emotions and times, a further tier the uncertain ones, and tiers last as long as the video."""
    grid = praat(edited(), tmp_path)
    assert list(grid.tierNames) == [NAME, f"{NAME}: uncertain", "Face 2", "Face 2: uncertain"]
    assert [(one.label, one.start, one.end) for one in grid.getTier(NAME).entries] == MOODS
    assert [tuple(one) for one in grid.getTier("Face 2: uncertain").entries] == [(0.5, 1.4, "uncertain")]
    assert grid.maxTimestamp == 5.0


@pytest.mark.parametrize("result", [edited(), without_faces()], ids=["faces", "nobody"])
def test_praat_itself_opens_the_file(result: Result, tmp_path: Path) -> None:
    """Praat's own code reads the tiers, also of a video without faces."""
    grid = parselmouth.read(str(write(ExportName.TEXTGRID, result, tmp_path)))
    tiers = int(call(grid, "Get number of tiers"))
    assert tiers == (2 * len([one for one in result.faces if not one.excluded]) or 1)
    assert call(grid, "Get end time") == 5.0
    if result.faces:
        assert call(grid, "Get label of interval", 1, 2) == "happiness"
        assert call(grid, "Get tier name", 1) == NAME


def test_boris_has_a_project_with_a_state_for_each_stretch() -> None:
    """Starts and stops of each subject alternate, in order of time; behaviours are state events with a certainty."""
    project = json.loads(EXPORTS[ExportName.BORIS].write(edited()))
    [observation] = project["observations"].values()
    events = observation["events"]
    assert [event[0] for event in events] == sorted(event[0] for event in events)
    of_one = [event[:4] for event in events if event[1] == NAME]
    assert of_one[::2] == [[start, NAME, emotion, ""] for emotion, start, _ in MOODS]
    assert of_one[1::2] == [[end, NAME, emotion, ""] for emotion, _, end in MOODS]
    assert [event[:4] for event in events if event[1] == "Face 2"] == [
        [0.5, "Face 2", "surprise", "uncertain"],
        [1.4, "Face 2", "surprise", "uncertain"],
    ]
    assert [one["name"] for one in project["subjects_conf"].values()] == [NAME, "Face 2"]
    assert {one["type"] for one in project["behaviors_conf"].values()} == {"State event"}
    assert observation["file"]["1"] == ["Interview 1.mp4"]
    assert observation["media_info"]["length"] == {"Interview 1.mp4": 5.0}


@pytest.mark.parametrize("name", [ExportName.EAF, ExportName.BORIS])
@pytest.mark.parametrize("first_frame_s", [0.0, 1.5])
def test_labels_of_an_export_are_those_of_the_result(name: ExportName, first_frame_s: float) -> None:
    """What ELAN and BORIS get can be compared as labels, also where the first frame is not at the start of the file."""
    result = edited(first_frame_s)
    [labels] = read_label_file(EXPORTS[name].write(result), result, "model").labels.values()
    of_one = [one for one in labels if one.face_id == 1]
    assert [str(one.emotion) for one in of_one] == [emotion for emotion, _, _ in MOODS]
    assert [one.start_s for one in of_one] == pytest.approx([start for _, start, _ in MOODS])
    assert [one.end_s for one in of_one] == pytest.approx([end for _, _, end in MOODS])
    assert [one.emotion for one in labels if one.face_id == 2] == ["surprise"]


@pytest.mark.parametrize("name", [ExportName.EAF, ExportName.TEXTGRID, ExportName.BORIS])
def test_times_follow_the_clock_of_players(name: ExportName, tmp_path: Path) -> None:
    """Where sound starts before the first picture, times are later by as much."""
    early, late = (write(name, edited(first_s), tmp_path).read_text() for first_s in (0.0, 1.5))
    form = {ExportName.EAF: 'VALUE="{:.0f}"', ExportName.TEXTGRID: "xmin = {:.3f}", ExportName.BORIS: "   {:.1f},"}[
        name
    ]
    scale = 1000 if name == ExportName.EAF else 1
    assert form.format(4.0 * scale) in early
    assert form.format(4.0 * scale) not in late
    assert form.format(5.5 * scale) in late


def test_faces_of_the_same_name_stay_apart(tmp_path: Path) -> None:
    """Tiers of faces that share a name have the number of the face, and read as labels of these faces."""
    result = two_faces()
    result = result.model_copy(update={"faces": [one.model_copy(update={"name": "Ann"}) for one in result.faces]})
    file = elan(result, tmp_path)
    assert "Ann (face 1)" in file.get_tier_names()
    assert "Ann (face 2)" in file.get_tier_names()
    [labels] = read_label_file(EXPORTS[ExportName.EAF].write(result), result, "model").labels.values()
    assert {one.face_id for one in labels} == {1, 2}


@pytest.mark.parametrize("name", [ExportName.EAF, ExportName.BORIS, ExportName.TEXTGRID])
def test_a_video_without_faces_has_a_file(name: ExportName, tmp_path: Path) -> None:
    """The file of a video without faces is valid and has no annotation."""
    content = write(name, without_faces(), tmp_path).read_text()
    if name == ExportName.EAF:
        assert list(elan(without_faces(), tmp_path).get_tier_names()) == []
    elif name == ExportName.BORIS:
        assert [one["events"] for one in json.loads(content)["observations"].values()] == [[]]
    else:
        assert [len(tier.entries) for tier in praat(without_faces(), tmp_path).tiers] == [0]
