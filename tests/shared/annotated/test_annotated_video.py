"""The annotated video, decoded as a player decodes it."""

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import psutil
import pytest

from duygu.shared.annotated import write_annotated_video
from duygu.shared.annotated.paint import colour_of
from duygu.shared.annotated.sound import Sound
from duygu.shared.annotated.sound_child import SOUND_HZ
from duygu.shared.config.engine import decode_limits
from duygu.shared.config.settings import Settings
from duygu.shared.errors import CancelledError, NotAVideoError
from duygu.shared.exports.palette import PALETTE
from duygu.shared.schemas.emotions import EMOTIONS, OTHER
from duygu.shared.schemas.model import ModelInfo
from duygu.shared.schemas.result import Face, Position, Result, VideoInfo, Window
from tests.shared.vision.decode.file_kinds import turned_midway
from tests.support.media.videos import BROWSER, CUT, HLG, PHONE, PQ, STILL, Scene, VideoMaker

BOX = (40.0, 60.0, 100.0, 120.0)


def result_of(scene: Scene, emotion: str = "happiness") -> Result:
    """Return a result with one face that stays at BOX and has one emotion, whatever the scene shows."""
    probabilities = {label: float(label == emotion) for label in EMOTIONS}
    window = Window(
        start_s=0.0,
        end_s=scene.duration_s,
        emotion=emotion,
        confidence=1.0,
        probabilities=probabilities,
        uncertain=False,
    )
    face = Face(
        face_id=1,
        start_s=0.0,
        end_s=scene.duration_s,
        emotion=emotion,
        confidence=1.0,
        probabilities=probabilities,
        windows=[window],
        positions=[Position(time_s=index / 10, box=BOX, score=1.0) for index in range(int(scene.duration_s * 10) + 1)],
    )
    video = VideoInfo(
        duration_s=scene.duration_s,
        width=scene.width,
        height=scene.height,
        rotation=0,
        frames_decoded=1,
        frames_analysed=1,
    )
    return Result(
        job_id=None, model=ModelInfo(name="", version="", sha256="", labels=[*EMOTIONS]), video=video, faces=[face]
    )


def annotated(scene: Scene, video_maker: VideoMaker, settings: Settings, folder: Path) -> Path:
    """Write the annotated video of a scene and return its path."""
    target = folder / "annotated.mp4"
    write_annotated_video(video_maker.make(scene), result_of(scene), target, decode_limits(settings))
    return target


def read(frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
    """Return a frame as RGB."""
    return np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def pictures(path: Path) -> list[tuple[float, npt.NDArray[np.uint8]]]:
    """Return each picture as RGB with its time."""
    with av.open(str(path)) as container:
        return [(float(frame.time or 0), read(frame)) for frame in container.decode(video=0)]


@pytest.mark.parametrize(
    "scene", [STILL, PHONE, BROWSER, replace(STILL, width=321, height=241, pixel_format="yuv444p")]
)
def test_a_browser_can_play_it(scene: Scene, video_maker: VideoMaker, settings: Settings, tmp_path: Path) -> None:
    """The annotated video is upright H.264 in 4:2:0 with even sides, includes the timeline, and has its index first."""
    path = annotated(scene, video_maker, settings, tmp_path)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.width % 2 == stream.height % 2 == 0
        assert 0 <= stream.width - scene.width <= 1
        assert scene.height < stream.height < scene.height * 1.2
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_pictures_keep_their_times(video_maker: VideoMaker, settings: Settings, tmp_path: Path) -> None:
    """The annotated video keeps every picture at its time, also with a varying frame rate."""
    times = [time_s for time_s, _ in pictures(annotated(BROWSER, video_maker, settings, tmp_path))]
    assert times == pytest.approx(BROWSER.times(), abs=0.002)


def test_the_box_lies_where_the_face_is(video_maker: VideoMaker, settings: Settings, tmp_path: Path) -> None:
    """The box and the timeline below the picture have the emotion's colour."""
    _, picture = pictures(annotated(STILL, video_maker, settings, tmp_path))[30]
    wanted = np.array(colour_of("happiness"), np.int16)
    side = picture[140, 39:42].astype(np.int16)
    assert np.abs(side - wanted).max(axis=1).min() < 60
    assert np.abs(picture[STILL.height + 8, 60].astype(np.int16) - wanted).max() < 40


def test_the_picture_is_the_video_in_its_colours(video_maker: VideoMaker, settings: Settings, tmp_path: Path) -> None:
    """Outside the box, the colours differ from the video by a few levels at most."""
    time_s, picture = pictures(annotated(CUT, video_maker, settings, tmp_path))[-1]
    corner = picture[5:40, 5:40].mean(axis=(0, 1))
    assert corner == pytest.approx(CUT.picture(time_s)[5:40, 5:40].mean(axis=(0, 1)), abs=8)


def test_sound_is_kept(video_maker: VideoMaker, settings: Settings, tmp_path: Path) -> None:
    """The sound keeps its duration, its level and its pitch."""
    path = annotated(PHONE, video_maker, settings, tmp_path)
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    tone = np.concatenate(frames)[4800:-4800]
    seconds = len(tone) / 48_000
    assert seconds == pytest.approx(PHONE.duration_s - 0.2, abs=0.15)
    assert np.abs(tone).max() == pytest.approx(1.0, abs=0.1)
    assert np.count_nonzero(np.diff(np.sign(tone))) / seconds / 2 == pytest.approx(440, rel=0.02)


@pytest.mark.parametrize("scene", [PQ, HLG])
def test_high_dynamic_range_is_shown_in_natural_colours(
    scene: Scene, video_maker: VideoMaker, settings: Settings, tmp_path: Path
) -> None:
    """An HDR scene is shown with the colours of the same scene in SDR, to a few levels."""
    time_s, picture = pictures(annotated(scene, video_maker, settings, tmp_path))[3]
    wanted = scene.picture(time_s).astype(np.float64)
    for area in (np.s_[5:40, 5:40], np.s_[150:180, 290:315], np.s_[200:235, 5:60]):
        assert picture[area].mean(axis=(0, 1)) == pytest.approx(wanted[area].mean(axis=(0, 1)), abs=5)
    assert np.abs(picture[: scene.height] - wanted).mean() < 9


def test_a_picture_that_is_turned_is_not_stretched(settings: Settings, tmp_path: Path) -> None:
    """When a wide picture is followed by a tall one, the tall one is centred between black bars."""
    video = tmp_path / "turned.ts"
    turned_midway(video)
    write_annotated_video(video, result_of(STILL), tmp_path / "film.mp4", decode_limits(settings))
    wide, tall = (picture[: STILL.height].astype(int) for _, picture in pictures(tmp_path / "film.mp4")[10:50:30])
    assert wide[:, 5:30].mean() > 80
    assert tall[:, 5:30].mean() < 5
    assert tall[:, -60:-5].mean() < 5
    assert tall[20:40, 80:240].mean() > 80


def lengths_s(path: Path) -> dict[str, tuple[float, ...]]:
    """Return the start and the end of each kind of stream, by the container."""
    with av.open(str(path)) as container:
        return {
            stream.type: tuple(
                float((ticks or 0) * (stream.time_base or 0))
                for ticks in (stream.start_time, (stream.start_time or 0) + (stream.duration or 0))
            )
            for stream in container.streams
        }


def test_sound_after_the_last_picture_is_kept(video_maker: VideoMaker, settings: Settings, tmp_path: Path) -> None:
    """Sound after the last picture is kept, with the last picture frozen until its end."""
    lengths = lengths_s(annotated(replace(STILL, sound=True, sound_s=4.5), video_maker, settings, tmp_path))
    assert lengths["audio"][1] == pytest.approx(4.5, abs=0.1)
    assert lengths["video"][1] == pytest.approx(4.5, abs=0.1)


def test_sound_before_the_first_picture_is_kept(video_maker: VideoMaker, settings: Settings, tmp_path: Path) -> None:
    """Sound before the first picture is kept, with a still of that picture; pictures keep their playback times."""
    scene = replace(STILL, sound=True, late=0.75, sound_s=2.75)
    path = annotated(scene, video_maker, settings, tmp_path)
    assert lengths_s(path)["audio"] == pytest.approx((0.0, 2.75), abs=0.1)
    (first_s, still), *others = pictures(path)
    assert first_s == 0.0
    assert [time_s for time_s, _ in others] == pytest.approx([0.75 + time_s for time_s in scene.times()], abs=0.03)
    side = still[140, 39:42].astype(np.int16)
    assert np.abs(side - np.array(colour_of("happiness"))).max(axis=1).min() > 60  # no face is detected yet


def test_a_last_picture_that_is_shown_for_long_is(video_maker: VideoMaker, settings: Settings, tmp_path: Path) -> None:
    """A single picture of five seconds gives an annotated video of five seconds."""
    scene = replace(STILL, fps=0.2, duration_s=5.0)
    assert lengths_s(annotated(scene, video_maker, settings, tmp_path))["video"] == pytest.approx((0.0, 5.0), abs=0.05)


def test_a_silent_video_gets_no_sound(video_maker: VideoMaker, settings: Settings, tmp_path: Path) -> None:
    """The annotated video of a silent video has no audio track."""
    with av.open(str(annotated(STILL, video_maker, settings, tmp_path))) as container:
        assert len(container.streams.audio) == 0


def test_large_pictures_become_smaller(video_maker: VideoMaker, settings: Settings, tmp_path: Path) -> None:
    """The longer side has 1920 pixels at most, and boxes are scaled with the picture."""
    scene = Scene(duration_s=0.2, width=2880, height=1620)
    _, picture = pictures(annotated(scene, video_maker, settings, tmp_path))[0]
    assert picture.shape[1] == 1920
    side = picture[round(100 / 1.5), 25:30].astype(np.int16)
    assert np.abs(side - np.array(colour_of("happiness"))).max(axis=1).min() < 60


def test_it_can_be_cancelled(video_maker: VideoMaker, settings: Settings, tmp_path: Path) -> None:
    """Writing the annotated video raises CancelledError when it is stopped."""
    video = video_maker.make(STILL)
    with pytest.raises(CancelledError):
        write_annotated_video(
            video, result_of(STILL), tmp_path / "a.mp4", decode_limits(settings), should_stop=lambda: True
        )


def test_sound_between_distant_pictures_comes_in_pieces(
    video_maker: VideoMaker, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sound between distant pictures is read a second at a time to bound memory, and can be cancelled in between."""
    scene = replace(STILL, fps=0.1, duration_s=20.0, sound=True)
    read_sound, sizes = Sound.read, list[int]()

    def recorded_read(sound: Sound, count: int) -> bytes:
        sizes.append(count)
        return read_sound(sound, count)

    monkeypatch.setattr(Sound, "read", recorded_read)
    with pytest.raises(CancelledError):
        write_annotated_video(
            video_maker.make(scene),
            result_of(scene),
            tmp_path / "film.mp4",
            decode_limits(settings),
            should_stop=lambda: len(sizes) > 5,
        )
    assert len(sizes) == 6
    assert max(sizes) <= SOUND_HZ


def test_what_is_no_video_is_refused(video_maker: VideoMaker, settings: Settings, tmp_path: Path) -> None:
    """A text file raises NotAVideoError."""
    with pytest.raises(NotAVideoError):
        write_annotated_video(video_maker.text(), result_of(STILL), tmp_path / "film.mp4", decode_limits(settings))


def test_memory_does_not_grow_with_the_video(video_maker: VideoMaker, settings: Settings, tmp_path: Path) -> None:
    """The memory of the process grows by less than 16 MB over most of a video of 30 s."""
    scene = replace(STILL, duration_s=30.0, sound=True, container="mp4")
    process, seen = psutil.Process(), list[int]()
    write_annotated_video(
        video_maker.make(scene),
        result_of(scene),
        tmp_path / "film.mp4",
        decode_limits(settings),
        on_progress=lambda share: seen.append(process.memory_info().rss) if share > 0.3 else None,
    )
    assert max(seen) - min(seen) < 16_000_000


def test_every_emotion_has_a_colour() -> None:
    """The painted colour of every emotion equals the one in the palette."""
    assert {emotion: "#{:02x}{:02x}{:02x}".format(*colour_of(emotion)) for emotion in (*EMOTIONS, OTHER)} == PALETTE
