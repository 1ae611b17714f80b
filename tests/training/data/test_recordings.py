"""Tests of finding recordings in folders and CSV files."""

import contextlib
from pathlib import Path

import pytest
from av.format import ContainerFormat

from duygu.shared.errors import TrainingDataError
from duygu.shared.vision.decode.child import FORMATS
from duygu.training.data.frames import PICTURES, VIDEOS
from duygu.training.data.layouts import Recording, Stretch
from duygu.training.data.recordings import read_recordings, skipped_files


def touch(path: Path) -> Path:
    """Write an empty file, and its parent folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_folders_name_person_and_emotion(tmp_path: Path) -> None:
    """Videos and pictures are found at any depth below subject/emotion; other and hidden files are skipped."""
    path = touch(tmp_path / "ann" / "happy" / "monday" / "1.MP4")
    picture = touch(tmp_path / "ben" / "contempt" / "1.png")
    touch(tmp_path / "ann" / "happy" / "notes.txt")
    touch(tmp_path / "ann" / "happy" / "._1.png")
    assert read_recordings(tmp_path) == [Recording(path, "ann", "happiness"), Recording(picture, "ben", "contempt")]


@pytest.mark.parametrize("name", ["c.3gp", "d.MTS", "e.Ts", "f.y4m", "g.ogv", "h.GIF", "i.TIFF", "j.mxf", "k.h264"])
def test_all_that_the_decoder_reads_is_a_recording(tmp_path: Path, name: str) -> None:
    """Files with the extension of any supported container are recordings, in lower or upper case."""
    path = touch(tmp_path / "ann" / "happy" / name)
    assert read_recordings(tmp_path) == [Recording(path, "ann", "happiness")]
    assert skipped_files(tmp_path) == []


def test_the_endings_are_those_of_the_decoders_containers() -> None:
    """The known extensions include those that FFmpeg lists for its containers, except sound, subtitles and stills."""
    others = {"m4a", "m4b", "isma", "mka", "mks", "mp3", "mp2", "m2a", "mpa", "wma", "wav", "flac", "aac", "adts"}
    others |= {"heic", "heif", "avif", "mpo", "asc", "oga", "ra"}
    endings: set[str] = set()
    for name in FORMATS.split(","):
        for direction in ("r", "w"):
            with contextlib.suppress(ValueError):
                endings |= ContainerFormat(name, direction).extensions
    assert len(endings) > 40
    assert {f".{ending}" for ending in endings - others} <= VIDEOS | PICTURES


@pytest.mark.parametrize("part", ["train", "Test", "val", "validation", "PrivateTest", "fold 1", "test_set"])
@pytest.mark.parametrize("below", ["happy", "ann/happy"])
def test_parts_of_a_data_set_are_no_people(tmp_path: Path, part: str, below: str) -> None:
    """Folders such as train/ and test/ in place of people or emotions raise TrainingDataError with the reason."""
    touch(tmp_path / part / below / "1.png")
    with pytest.raises(TrainingDataError, match=rf"the folder {part} of .* names a part of a data set, not a person"):
        read_recordings(tmp_path)
    with pytest.raises(TrainingDataError, match=f"the folder {part} of"):
        read_recordings(touch(tmp_path / "data" / part / below / "1.png").parents[1 + len(Path(part, below).parts)])


@pytest.mark.parametrize("name", ["1.mp4", "ann/1.PNG"])
def test_recordings_above_the_folders_are_refused(tmp_path: Path, name: str) -> None:
    """A recording outside of subject/emotion raises TrainingDataError with its path."""
    touch(tmp_path / "ben" / "happy" / "1.mp4")
    touch(tmp_path / name)
    with pytest.raises(TrainingDataError, match=f"{name} is not in folders subject/emotion"):
        read_recordings(tmp_path)


def test_files_that_are_no_recordings_can_be_named(tmp_path: Path) -> None:
    """skipped_files lists files with an unknown extension, except hidden ones."""
    touch(tmp_path / "ann" / "happy" / "1.mp4")
    touch(tmp_path / "ann" / "happy" / ".DS_Store")
    notes = touch(tmp_path / "ann" / "happy" / "notes.txt")
    assert skipped_files(tmp_path) == [notes]


def test_a_manifest_names_them_line_by_line(tmp_path: Path) -> None:
    """Paths in a CSV are relative to the file."""
    path = touch(tmp_path / "videos" / "1.mp4")
    manifest = tmp_path / "mine.csv"
    manifest.write_text("path,subject,emotion\nvideos/1.mp4,ann,Fear\n", encoding="utf-8")
    assert read_recordings(manifest) == [Recording(path, "ann", "fear")]


def test_a_manifest_may_come_from_a_spreadsheet(tmp_path: Path) -> None:
    """A byte order mark, spaces around cells and blank lines are accepted, and do not split one person into two."""
    one, other = (touch(tmp_path / f"{number}.mp4") for number in (1, 2))
    manifest = tmp_path / "mine.csv"
    manifest.write_text("path, subject, emotion\n1.mp4, ann, fear\n\n2.mp4,ann , sad\n", encoding="utf-8-sig")
    assert read_recordings(manifest) == [Recording(one, "ann", "fear"), Recording(other, "ann", "sadness")]


def test_a_manifest_may_list_parts_of_videos(tmp_path: Path) -> None:
    """Parts of a video with their place and further columns; those of one video follow each other."""
    one, other = (touch(tmp_path / f"{number}.mp4") for number in (1, 2))
    (tmp_path / "mine.csv").write_text(
        "path,subject,emotion,start_s,end_s,rater,face_x,face_y,site\n1.mp4,ann,fear,0.5,1.4,bob,0.25,0.5,Ankara\n"
        "2.mp4,ann,sad,,,bob,,,\n1.mp4,cem,happy,0.5,1.4,bob+eva,,,Ankara\n"
    )
    bob, ankara = ("rater", "bob"), ("site", "Ankara")
    recordings = read_recordings(tmp_path / "mine.csv")
    assert recordings == [
        Recording(one, "ann", "fear", Stretch(0.5, 1.4, (0.25, 0.5)), (bob, ankara)),
        Recording(one, "cem", "happiness", Stretch(0.5, 1.4), (("rater", "bob+eva"), ankara)),
        Recording(other, "ann", "sadness", None, (bob, ("site", ""))),
    ]
    assert [recording.name.rpartition("/")[2] for recording in recordings] == [
        "1.mp4#t=0.5,1.4&subject=ann",
        "1.mp4#t=0.5,1.4&subject=cem",
        "2.mp4",
    ]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_another_encoding_is_named(tmp_path: Path, encoding: str) -> None:
    """A CSV that is not UTF-8 raises TrainingDataError that says so."""
    manifest = tmp_path / "mine.csv"
    manifest.write_text("path,subject,emotion\n1.mp4,Jörg,fear\n", encoding=encoding)
    with pytest.raises(TrainingDataError, match=r"mine\.csv is not UTF-8"):
        read_recordings(manifest)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("path,person\n", "columns path, subject and emotion"),
        ("path,subject,emotion\n", "holds no recordings"),
        ("path,subject,emotion\n1.mp4,ann,hungry\n", "hungry"),
        ("path,subject,emotion\n1.mp4,ann,fear\n", "do not exist"),
        ("", "columns path, subject and emotion"),
        ("path,subject,emotion\n1.mp4,ann,fear\n2.mp4,ann\n", r"line 3 of .*mine.csv: missing emotion"),
        ("path,subject,emotion\n1.mp4, ,fear\n", "line 2 of .*missing subject"),
        ("path,subject,emotion,start_s,end_s\n1.mp4,ann,fear,2,1\n", "line 2 of .*: end_s 1 is not above start_s 2"),
        ("path,subject,emotion,start_s,end_s\n1.mp4,ann,fear,2,\n", "start_s and end_s must be given together"),
        ("path,subject,emotion,start_s,end_s\n1.mp4,ann,fear,-1,2\n", "start_s is '-1', not a number of at least 0"),
        ("path,subject,emotion,start_s,end_s\n1.mp4,ann,fear,nan,2\n", "start_s is 'nan'"),
        ("path,subject,emotion,start_s,end_s\n1.mp4,ann,fear,0,inf\n", "end_s is 'inf'"),
        ("path,subject,emotion,face_x\n1.mp4,ann,fear,2\n", "face_x is '2', not a number of at least 0 and at most 1"),
        ("path,subject,emotion,start_s,end_s\n1.mp4,ann,fear,0,1\n1.mp4,ann,sad,0,1\n", "line 3 of .*listed twice"),
        ("path,subject,emotion,start_s,end_s\n1.mp4,ann,fear,0,1\n1.mp4,ann,sad,,\n", "line 3 of .*listed twice"),
        ("path,subject,emotion,start_s,end_s\n1.mp4,ann,fear,,\n1.mp4,ann,sad,0,1\n", "line 3 of .*listed twice"),
        ("path,emotion,subject\n ,fear\n", "line 2 of .*missing path and subject"),
        ("path,subject,emotion\n1.mp4,ann,fear\n./1.mp4,ben,anger\n", "line 3 of .*: ./1.mp4 is listed twice"),
        (
            "path,subject,emotion\n1\0.mp4,ann,fear\n",
            "line 2 of .*: invalid path: ValueError: embedded null",
        ),
        (f"path,subject,emotion\n{'1' * 5000}.mp4,ann,fear\n", "line 2 of .*: invalid path: .*too long"),
        (f'path,subject,emotion\n"1.mp4,ann,fear\n{"2.mp4,ann,fear" * 9999}', "invalid CSV: .*field larger"),
    ],
)
def test_a_wrong_manifest_is_explained(tmp_path: Path, text: str, complaint: str) -> None:
    """Each error in a CSV raises TrainingDataError, with the line where there is one."""
    manifest = tmp_path / "mine.csv"
    manifest.write_text(text, encoding="utf-8")
    with pytest.raises(TrainingDataError, match=complaint):
        read_recordings(manifest)


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    """A source that does not exist raises TrainingDataError."""
    with pytest.raises(TrainingDataError, match="does not exist"):
        read_recordings(tmp_path / "gone")
