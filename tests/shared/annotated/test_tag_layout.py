"""Tests of duygu.shared.annotated.tag_layout, most of them with random faces."""

import json
import shutil
import subprocess
from dataclasses import asdict
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from duygu.shared.annotated.tag_layout import Rect, Tag, TagSizes, layout_tags

PICTURE = (640.0, 360.0)
SIZES = TagSizes(full=(120.0, 18.0), small=(18.0, 16.0))

ROOT = Path(__file__).resolve().parents[3]
NODE = shutil.which("node") or shutil.which("nodejs")

PAGE_LAYOUT = """
import { layoutTags } from "./services/api/static/js/overlay/tag-layout.js";
const size = ([width, height]) => ({ width, height });
const { scenes, sizes, picture } = JSON.parse(await new Response(process.stdin).text());
const both = { full: size(sizes.full), small: size(sizes.small) };
const layouts = scenes.map((boxes) => layoutTags(boxes, boxes.map(() => both), size(picture)));
process.stdout.write(JSON.stringify(layouts));
"""


def crowd(seed: int) -> list[Rect]:
    """Return random faces, some of which cross the border of the picture or overlap."""
    random = np.random.default_rng(seed)
    count = int(random.integers(1, 16))
    left, top = random.uniform(-60, 640, count), random.uniform(-60, 360, count)
    width, height = random.uniform(4, 220, count), random.uniform(4, 220, count)
    return [Rect(*map(float, box)) for box in zip(left, top, width, height, strict=True)]


def layout(boxes: list[Rect]) -> list[Tag | None]:
    """Lay out tags of equal sizes."""
    return layout_tags(boxes, [SIZES] * len(boxes), PICTURE)


@pytest.mark.parametrize("seed", range(100))
def test_tags_are_apart_inside_the_picture_and_each_on_its_box(seed: int) -> None:
    """Tags do not overlap, lie inside the picture, and touch the box of their face."""
    boxes = crowd(seed)
    tags = layout(boxes)
    placed = [tag.rect for tag in tags if tag]
    assert not any(one.meets(other) for one, other in combinations(placed, 2))
    for box, tag in zip(boxes, tags, strict=True):
        if tag:
            assert (tag.rect.width, tag.rect.height) == (SIZES.small if tag.small else SIZES.full)
            assert tag.rect.meets(box)
            assert 0 <= tag.rect.left <= tag.rect.right <= PICTURE[0]
            assert 0 <= tag.rect.top <= tag.rect.bottom <= PICTURE[1]


@pytest.mark.parametrize("step", [64.0, 70.0, 90.0, 140.0])
def test_no_face_is_covered_where_there_is_room(step: float) -> None:
    """With enough room between heads, no tag covers a face or touches the box of another face."""
    boxes = [Rect(20.0 + step * index, 150.0, 60.0, 70.0) for index in range(4)]
    for tag, box in zip(layout(boxes), boxes, strict=True):
        assert tag is not None
        assert [tag.rect.meets(other) for other in boxes] == [other is box for other in boxes]
        assert not tag.rect.meets(box.grown(-1.0))


def test_a_lone_face_has_its_whole_text_above() -> None:
    """A single face has a full tag above the left end of its box."""
    assert layout([Rect(100, 100, 50, 50)]) == [Tag(Rect(100, 82, 120, 18), small=False)]


def test_a_face_that_fills_the_picture_has_a_small_tag_inside() -> None:
    """A face that fills the picture has a small tag inside its corner."""
    assert layout([Rect(-10, -10, 700, 400)]) == [Tag(Rect(0, 0, 18, 16), small=True)]


def test_a_face_outside_the_picture_has_no_tag() -> None:
    """A face outside the picture has no tag, nor does any face in a picture smaller than a tag."""
    assert layout([Rect(-80, 10, 40, 40), Rect(641, 0, 9, 9)]) == [None, None]
    assert layout_tags([Rect(1, 1, 8, 8)], [SIZES], (16.0, 14.0)) == [None]


@pytest.mark.skipif(NODE is None, reason="there is no node on this machine")
def test_the_page_follows_the_same_rule() -> None:
    """The script of the pages places the tags of random faces exactly as this module does."""
    assert NODE is not None
    scenes = [crowd(seed) for seed in range(200)]
    order = {
        "scenes": [[asdict(box) for box in boxes] for boxes in scenes],
        "sizes": asdict(SIZES),
        "picture": PICTURE,
    }
    command = [NODE, "--input-type=module", "-e", PAGE_LAYOUT]
    done = subprocess.run(command, input=json.dumps(order), capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    for boxes, layouts in zip(scenes, json.loads(done.stdout), strict=True):
        ours = [tag and {**asdict(tag.rect), "small": tag.small} for tag in layout(boxes)]
        assert ours == layouts
