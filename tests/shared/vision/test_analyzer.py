"""The analyzer: which faces count, when results are reported, and snapshots."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pytest

from duygu.shared.model.recipe import Recipe
from duygu.shared.schemas.result import Flag
from duygu.shared.vision import snapshots
from duygu.shared.vision.analyzer import MAX_UNCOUNTED, Analyzer, Step
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.types import Detections, Floats, Frame
from tests.support.media.frames import frame_at, frames_of
from tests.support.media.videos import CROSSING, CUT, HIDING, LEAVING, NOBODY, PAN, STILL, Actor, Scene

LANDMARKS: Floats = np.array([(143, 110), (177, 110), (160, 130), (146, 150), (174, 150)], np.float32)

Again = Callable[[Analyzer], Analyzer]


def steps_of(frames: Iterable[Frame], analyzer: Analyzer, again: Again = lambda analyzer: analyzer) -> list[Step]:
    """Return every step; `again` replaces the analyzer after each frame."""
    steps = []
    for frame in frames:
        steps.append(analyzer.push(frame))
        analyzer = again(analyzer)
    return [*steps, analyzer.finish()]


def flat(steps: list[Step]) -> list[tuple[object, ...]]:
    """Return steps as plain values that can be compared."""
    return [
        (
            step.time_s,
            [(seen.face_id, seen.time_s, seen.score, *seen.box.tolist()) for seen in step.positions],
            [(a.face_id, a.start_s, a.end_s, a.flags, *a.logits.tolist()) for a in step.windows],
            step.ended,
        )
        for step in steps
    ]


@pytest.mark.parametrize(
    "scene", [PAN, CROSSING, HIDING, CUT, LEAVING], ids=["pan", "crossing", "hiding", "cut", "leaving"]
)
def test_saved_and_restored_after_each_frame_the_results_are_the_same(scene: Scene, engine: Engine) -> None:
    """An analyzer that is restored from a snapshot after each frame gives identical steps."""

    def handed_over(analyzer: Analyzer) -> Analyzer:
        return snapshots.restore(engine, snapshots.save(analyzer))

    frames = list(frames_of(scene))
    assert flat(steps_of(frames, Analyzer(engine), handed_over)) == flat(steps_of(frames, Analyzer(engine)))


def test_waiting_clips_are_saved_too(engine: Engine) -> None:
    """A snapshot contains the clips that wait for a batch."""

    def handed_over(analyzer: Analyzer) -> Analyzer:
        return snapshots.restore(engine, snapshots.save(analyzer), batch=100)

    frames = list(frames_of(STILL))
    one, other = (
        steps_of(frames, Analyzer(engine, batch=100), handed_over),
        steps_of(frames, Analyzer(engine, batch=100)),
    )
    assert len(one[-1].windows) >= 2
    assert flat(one) == flat(other)


def test_a_snapshot_is_small(engine: Engine) -> None:
    """A snapshot has less than 40 kB per face."""
    analyzer = Analyzer(engine)
    for frame in frames_of(CROSSING):
        analyzer.push(frame)
    assert len(snapshots.save(analyzer)) < 2 * 40_000


def test_a_foreign_snapshot_is_refused(engine: Engine) -> None:
    """Invalid and truncated snapshots and those of another recipe raise ValueError."""
    saved = snapshots.save(Analyzer(engine))

    class Other:
        recipe = Recipe("other", size=48)

    foreign = replace(engine, classifier=Other())  # type: ignore[arg-type] # only its recipe is used
    for data in (b"", b"nothing", saved[: len(saved) // 2], snapshots.save(Analyzer(foreign))):
        with pytest.raises(ValueError, match="state"):
            snapshots.restore(engine, data)


def test_the_batch_changes_nothing_but_when(engine: Engine) -> None:
    """The batch size does not change which clips are classified."""
    windows = [
        sorted(
            (a.face_id, a.start_s)
            for step in steps_of(frames_of(CROSSING), Analyzer(engine, batch=batch))
            for a in step.windows
        )
        for batch in (1, 3, 100)
    ]
    assert windows[0] == windows[1] == windows[2] != []


def test_frames_between_two_ticks_bring_nothing(engine: Engine) -> None:
    """At thirty frames per second, ten are analysed."""
    analyzer = Analyzer(engine, interval_s=1 / 30)
    for index in range(30):
        analyzer.push(replace(frame_at(STILL, 0.0), index=index, time_s=index / 30))
    assert analyzer.frames_analysed == 10


def test_the_first_step_of_a_face_includes_its_earlier_positions(engine: Engine) -> None:
    """The first step of a face reports its earlier positions as well."""
    steps = steps_of(frames_of(STILL), Analyzer(engine))
    first = next(step for step in steps if step.positions)
    assert first.time_s > 0
    assert first.positions[0].time_s == 0
    assert len([seen for step in steps for seen in step.positions]) == len(list(frames_of(STILL)))


def test_one_frame_is_classified_as_a_padded_clip(engine: Engine) -> None:
    """A single frame has one padded window."""
    steps = steps_of([frame_at(STILL, 0.0)], Analyzer(engine))
    (window,) = steps[-1].windows
    assert window.flags == (Flag.PADDED,)
    assert np.isfinite(window.logits).all()


def test_no_clip_spans_a_cut(engine: Engine) -> None:
    """The faces before and after a cut have different ids, and no window spans the cut."""
    windows = [window for step in steps_of(frames_of(CUT), Analyzer(engine)) for window in step.windows]
    assert {window.face_id for window in windows} == {1, 2}
    assert not any(window.start_s < 1.45 and window.end_s > 1.45 for window in windows)


def test_a_face_that_left_is_over(engine: Engine) -> None:
    """A face that left is reported as ended once, and its state is deleted."""
    analyzer = Analyzer(engine)
    ended = [face_id for frame in frames_of(LEAVING) for face_id in analyzer.push(frame).ended]
    assert ended == [1]
    assert analyzer.faces == {}


def test_a_face_that_never_counts_keeps_no_more_than_a_few_clips(engine: Engine) -> None:
    """A face that does not count yet keeps a bounded number of clips; once it counts, they are reported."""

    class Doubtful:
        """Detects one face at a fixed place, for a number of frames with a score too low to count."""

        def __init__(self, doubtful: int) -> None:
            self.left = doubtful

        def with_limits(self, *, min_face: float, max_faces: int) -> "Doubtful":
            """Return the same detector."""
            return self

        def detect(self, frame: Frame) -> Detections:
            return self.refine(frame, np.array([(120, 70, 200, 170)], np.float32))

        def detect_near(self, frame: Frame, boxes: Floats) -> Detections:
            return self.refine(frame, boxes)

        def refine(self, frame: Frame, boxes: Floats) -> Detections:
            self.left -= 1
            score = np.float32(0.85 if self.left > 0 else 0.99)
            return Detections(boxes, np.full(len(boxes), score), np.repeat(LANDMARKS[np.newaxis], len(boxes), axis=0))

    first = frame_at(STILL, 0.0)
    analyzer = Analyzer(replace(engine, detector=Doubtful(10_000)))
    for index in range(400):
        analyzer.push(replace(first, index=index, time_s=index / 10))
    (face,) = analyzer.faces.values()
    assert len(analyzer.waiting) == MAX_UNCOUNTED
    assert len(face.unconfirmed) <= (MAX_UNCOUNTED + 2) * 10
    assert analyzer.finish().windows == ()

    analyzer = Analyzer(replace(engine, detector=Doubtful(150)))
    steps = [analyzer.push(replace(first, index=index, time_s=index / 10)) for index in range(400)]
    seen = [seen.time_s for step in steps for seen in step.positions]
    windows = sorted(window.start_s for step in steps for window in step.windows)
    assert 0 < seen[0] == windows[0]
    assert seen == sorted(seen)


def test_nobody(engine: Engine) -> None:
    """A video without faces has no positions, windows or ended faces."""
    assert not any(
        step.positions or step.windows or step.ended for step in steps_of(frames_of(NOBODY), Analyzer(engine))
    )


@pytest.mark.parametrize("interval_s", [4.0, 10.0, 100.0])
def test_a_slow_source_has_faces(interval_s: float, engine: Engine) -> None:
    """Each picture of a slow source has a position and a window, also when every picture has another worker."""

    def handed_over(analyzer: Analyzer) -> Analyzer:
        return snapshots.restore(engine, snapshots.save(analyzer))

    frames = [replace(frame_at(STILL, 0.0), index=index, time_s=index * interval_s) for index in range(6)]
    steps = steps_of(frames, Analyzer(engine), handed_over)
    seen = [seen for step in steps for seen in step.positions]
    starts = {window.start_s // interval_s for step in steps for window in step.windows}
    assert [(one.face_id, one.time_s) for one in seen] == [(1, frame.time_s) for frame in frames]
    assert starts >= set(range(5))


def handed_over_by(engine: Engine) -> Again:
    """Return a function that restores the analyzer from its snapshot."""
    return lambda analyzer: snapshots.restore(engine, snapshots.save(analyzer))


def by_turns(scenes: tuple[Scene, Scene], interval_s: float) -> list[Frame]:
    """Return six frames that alternate between two scenes."""
    return [replace(frame_at(scenes[index % 2], 0.0), index=index, time_s=index * interval_s) for index in range(6)]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("interval_s", [7.0, 30.0])
def test_a_slow_source_has_its_first_picture(interval_s: float, known: bool, engine: Engine) -> None:
    """The face in the first picture of a slow source has its position."""
    frames = by_turns((STILL, STILL), interval_s)[:3]
    steps = steps_of(frames, Analyzer(engine, interval_s=interval_s if known else None))
    assert [seen.time_s for step in steps for seen in step.positions] == [frame.time_s for frame in frames]
    assert min(window.start_s for step in steps for window in step.windows) == 0.0


@pytest.mark.parametrize("interval_s", [1.0, 10.0])
@pytest.mark.parametrize("walls", [(), (0.0,)], ids=["one wall", "cuts"])
def test_a_face_in_one_picture_of_a_slow_source_counts(
    walls: tuple[float, ...], interval_s: float, engine: Engine
) -> None:
    """Two people who alternate have a position and a window in each picture, also across workers."""
    left, right = Actor(start=(0.27, 0.5)), Actor(start=(0.73, 0.5), size=0.6, mirrored=True)
    frames = by_turns((replace(STILL, actors=(left,)), replace(STILL, actors=(right,), cuts=walls)), interval_s)
    steps = steps_of(frames, Analyzer(engine), handed_over_by(engine))
    assert sorted(seen.time_s for step in steps for seen in step.positions) == [frame.time_s for frame in frames]
    assert {window.start_s // interval_s for step in steps for window in step.windows} >= set(range(6))


@pytest.mark.parametrize("interval_s", [0.1, 1 / 30])
def test_a_face_in_one_picture_of_a_fast_source_does_not_count(interval_s: float, engine: Engine) -> None:
    """A face in a single frame of a fast source does not count, also before a pause of seconds."""
    frames = [frame_at(STILL, 0.0), *(frame_at(NOBODY, 10.0 + index / 10) for index in range(5))]
    steps = steps_of(frames, Analyzer(engine, interval_s=interval_s))
    assert not any(step.positions or step.windows for step in steps)
