"""Building clips from crops."""

from dataclasses import replace

import numpy as np

from duygu.shared.schemas.result import Flag
from duygu.shared.vision.classify.clips import MAX_GAP, Clip, ClipBuilder, Crop
from tests.support.media.frames import RATE_HZ, RECIPE


def crop(tick: int, *flags: Flag) -> Crop:
    """Return a crop whose pixels have the value of its tick."""
    return Crop(tick, tick / RATE_HZ, np.full((48, 48), tick % 256, np.uint8), frozenset(flags))


def build(*ticks: int, missed: bool = True, usual_ticks: float = 1.0, stretch: int = 1) -> list[Clip]:
    """Return all clips of a face seen at these ticks; `missed` states that frames between them lacked the face."""
    builder = ClipBuilder(RECIPE)
    made = [
        clip
        for tick in ticks
        for clip in builder.add(crop(tick), missed=missed, usual_ticks=usual_ticks, stretch=stretch)
    ]
    return [*made, *builder.end()]


def ticks_of(clip: Clip) -> list[int]:
    """Return the ticks of the crops in a clip."""
    return [int(image[0, 0]) for image in clip.images]


def test_a_clip_is_ten_crops_and_the_next_begins_five_later() -> None:
    """A clip has ten crops, and the next one starts five crops later."""
    clips = build(*range(20))
    assert [ticks_of(clip) for clip in clips] == [list(range(start, start + 10)) for start in (0, 5, 10)]
    assert [(clip.start_s, clip.end_s) for clip in clips] == [(0.0, 0.9), (0.5, 1.4), (1.0, 1.9)]


def test_the_last_crops_form_a_clip() -> None:
    """A last clip covers remaining crops of at least half a stride; fewer remaining crops are left out."""
    assert ticks_of(build(*range(13))[-1]) == list(range(3, 13))
    assert ticks_of(build(*range(12))[-1]) == list(range(10))


def test_too_few_crops_are_padded_and_flagged() -> None:
    """With too few crops the last one is repeated, the clip is flagged, and its times are those of the real crops."""
    (clip,) = build(0, 1, 2)
    assert ticks_of(clip) == [0, 1, 2] + [2] * 7
    assert (clip.start_s, clip.end_s) == (0.0, 0.2)
    assert clip.flags == (Flag.PADDED,)


def test_a_short_gap_repeats_the_last_crop_and_is_flagged() -> None:
    """A short gap repeats the last crop, so that ticks stay evenly spaced, and flags the clip."""
    (clip,) = build(*range(4), *range(6, 10))
    assert ticks_of(clip) == [0, 1, 2, 3, 3, 3, 6, 7, 8, 9]
    assert clip.flags == (Flag.GAP,)


def test_no_clip_spans_a_longer_gap() -> None:
    """A gap of more than MAX_GAP ticks starts another clip."""
    later = 10 + MAX_GAP + 1
    clips = build(*range(10), *range(later, later + 10))
    assert [ticks_of(clip) for clip in clips] == [list(range(10)), list(range(later, later + 10))]
    assert all(clip.flags == () for clip in clips)


def test_a_slow_video_has_no_gaps() -> None:
    """Where no frame was missed, the last picture is repeated without the flag `gap`."""
    clips = build(*range(0, 20, 5), missed=False)
    assert ticks_of(clips[0]) == [0] * 5 + [5] * 5
    assert clips[0].flags == ()


def test_a_flag_counts_when_half_of_the_crops_have_it() -> None:
    """A flag applies to a clip when at least half of its crops have it."""
    for dark, flags in ((4, ()), (5, (Flag.DARK,))):
        builder = ClipBuilder(RECIPE)
        flagged = [crop(tick, *([Flag.DARK] if tick < dark else [])) for tick in range(10)]
        (clip,) = [clip for one in flagged for clip in builder.add(one, missed=False)]
        assert clip.flags == flags


def test_it_keeps_no_more_than_one_clip() -> None:
    """The builder keeps the crops of one clip at most."""
    builder = ClipBuilder(replace(RECIPE, stride=10))
    for tick in range(95):
        list(builder.add(crop(tick), missed=False))
    assert len(builder.crops) == RECIPE.frames


def test_a_slow_video_has_one_clip_for_each_picture() -> None:
    """A picture shown for longer than a clip has one window for all that time."""
    for step in (20, 100, 1200):
        clips = build(0, step, 2 * step, missed=False, usual_ticks=step)
        assert [ticks_of(clip) for clip in clips] == [[tick % 256] * 10 for tick in (0, step, 2 * step)]
        last_s = 2 * step / RATE_HZ
        assert [(clip.start_s, clip.end_s) for clip in clips] == [
            (0.0, last_s / 2),
            (last_s / 2, last_s),
            (last_s, last_s),
        ]


def test_a_picture_a_second_is_repeated() -> None:
    """At one picture per second, clips cover each picture and each pair of consecutive ones, without a gap."""
    clips = build(*range(0, 40, 10), missed=False, usual_ticks=10)
    assert [ticks_of(clip) for clip in clips[:3]] == [[0] * 10, [0] * 5 + [10] * 5, [10] * 10]


def test_a_freeze_has_no_clips() -> None:
    """A source of ten pictures per second that freezes for seconds has no windows during the freeze."""
    clips = build(*range(20), *range(70, 90), missed=False)
    assert [ticks_of(clip)[0] for clip in clips] == [0, 5, 10, 70, 75, 80]
    assert all(len(set(ticks_of(clip))) == 10 for clip in clips)


def test_a_short_pause_breaks_no_clip() -> None:
    """A pause of up to half a clip repeats the last picture and starts no new clip."""
    (clip,) = build(*range(4), *range(9, 11), missed=False)
    assert ticks_of(clip) == [0, 1, 2, 3, 3, 3, 3, 3, 3, 9]


def test_in_a_crowd_clips_follow_at_longer_intervals() -> None:
    """In a crowd, clips start at longer intervals, up to clips without a common crop; the end is still covered."""
    for stretch in (2, 3, 4):
        clips = build(*range(36), stretch=stretch)
        assert [ticks_of(clip)[0] for clip in clips] == [0, 10, 20, 26]
