"""From crops to clips."""

from dataclasses import replace

import numpy as np

from duygu.shared.schemas import Flag
from duygu.shared.vision.classify.clips import MAX_GAP, MAX_HOLD, Clip, ClipBuilder, Crop
from tests.support.frames import RATE_HZ, RECIPE


def crop(tick: int, *flags: Flag) -> Crop:
    """One whose picture tells its tick."""
    return Crop(tick, tick / RATE_HZ, np.full((48, 48), tick % 256, np.uint8), frozenset(flags))


def build(*ticks: int, missed: bool = True) -> list[Clip]:
    """All clips of a face that was seen at these ticks, and in none of the frames between."""
    builder = ClipBuilder(RECIPE)
    made = [clip for tick in ticks for clip in builder.add(crop(tick), missed=missed)]
    return [*made, *builder.end()]


def ticks_of(clip: Clip) -> list[int]:
    """Which crops a clip is made of."""
    return [int(image[0, 0]) for image in clip.images]


def test_a_clip_is_ten_crops_and_the_next_begins_five_later() -> None:
    """Twenty crops give three clips, half of each shared with the next."""
    clips = build(*range(20))
    assert [ticks_of(clip) for clip in clips] == [list(range(start, start + 10)) for start in (0, 5, 10)]
    assert [(clip.start_s, clip.end_s) for clip in clips] == [(0.0, 0.9), (0.5, 1.4), (1.0, 1.9)]


def test_the_last_crops_are_answered_for() -> None:
    """Where at least half a stride is in no clip yet, the last clip ends with the last crop; less is left out."""
    assert ticks_of(build(*range(13))[-1]) == list(range(3, 13))
    assert ticks_of(build(*range(12))[-1]) == list(range(10))


def test_too_few_crops_are_padded_and_flagged() -> None:
    """The last crop repeats, and the times tell what was really seen."""
    (clip,) = build(0, 1, 2)
    assert ticks_of(clip) == [0, 1, 2] + [2] * 7
    assert (clip.start_s, clip.end_s) == (0.0, 0.2)
    assert clip.flags == (Flag.PADDED,)


def test_a_short_gap_repeats_the_last_crop_and_is_flagged() -> None:
    """Ticks stay evenly spaced, and the clip says that something was missing."""
    (clip,) = build(*range(4), *range(6, 10))
    assert ticks_of(clip) == [0, 1, 2, 3, 3, 3, 6, 7, 8, 9]
    assert clip.flags == (Flag.GAP,)


def test_no_clip_spans_a_longer_gap() -> None:
    """After more than MAX_GAP ticks out of sight the face begins another clip."""
    later = 10 + MAX_GAP + 1
    clips = build(*range(10), *range(later, later + 10))
    assert [ticks_of(clip) for clip in clips] == [list(range(10)), list(range(later, later + 10))]
    assert all(clip.flags == () for clip in clips)


def test_a_slow_video_has_no_gaps() -> None:
    """Where no frame was missed the picture stood still, as a player shows it."""
    clips = build(*range(0, 20, 5), missed=False)
    assert ticks_of(clips[0]) == [0] * 5 + [5] * 5
    assert clips[0].flags == ()


def test_a_flag_counts_when_half_of_the_crops_have_it() -> None:
    """Four dark crops of ten are not told; five are."""
    for dark, told in ((4, ()), (5, (Flag.DARK,))):
        builder = ClipBuilder(RECIPE)
        flagged = [crop(tick, *([Flag.DARK] if tick < dark else [])) for tick in range(10)]
        (clip,) = [clip for one in flagged for clip in builder.add(one, missed=False)]
        assert clip.flags == told


def test_it_keeps_no_more_than_one_clip() -> None:
    """However long the face is there, its crops do not pile up."""
    builder = ClipBuilder(replace(RECIPE, stride=10))
    for tick in range(95):
        list(builder.add(crop(tick), missed=False))
    assert len(builder.crops) == RECIPE.frames


def test_a_picture_that_stands_very_long_has_one_clip() -> None:
    """Beyond MAX_HOLD, what a player still shows is not answered for again and again."""
    later = MAX_HOLD + 2
    clips = build(0, later, missed=False)
    assert [ticks_of(clip) for clip in clips] == [[0] * 10]
    assert (clips[0].start_s, clips[0].end_s) == (0.0, 0.9)
