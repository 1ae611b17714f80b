"""Placement of the tags of faces on a result and on the live page."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.support.results.synthetic import face, result, visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

Rectangle = tuple[float, float, float, float]

RECORDER = """
window.drawn = { boxes: [], tags: [] };
const of = CanvasRenderingContext2D.prototype;
const original = { strokeRect: of.strokeRect, roundRect: of.roundRect, clearRect: of.clearRect };
const overlay = (context) => context.canvas.id === "overlay";
of.clearRect = function (...sides) {
  if (overlay(this)) window.drawn = { boxes: [], tags: [] };
  return original.clearRect.apply(this, sides);
};
of.strokeRect = function (...sides) {
  if (overlay(this) && this.lineWidth < 4) window.drawn.boxes.push(sides);
  return original.strokeRect.apply(this, sides);
};
of.roundRect = function (...sides) {
  if (overlay(this)) window.drawn.tags.push(sides.slice(0, 4));
  return original.roundRect.apply(this, sides);
};
"""
"""Records the boxes and tags of the last drawing, in the order of the faces."""

CLOSE = [(250, 150, 60, 80), (315, 160, 60, 80), (380, 145, 60, 80), (285, 60, 50, 70), (5, 2, 60, 80)]
"""Three heads side by side, one behind them, and one in the corner."""


def gap(a: Rectangle, b: Rectangle) -> float:
    """Return the distance of two rectangles along the axis that separates them; negative where they overlap."""
    across = max(a[0] - b[0] - b[2], b[0] - a[0] - a[2])
    down = max(a[1] - b[1] - b[3], b[1] - a[1] - a[3])
    return max(across, down)


def hold_each_to_its_own(drawn: dict[str, Any]) -> None:
    """Assert that every tag touches its own box and no other box or tag."""
    boxes, tags = drawn["boxes"], drawn["tags"]
    assert len(tags) == len(boxes) == len(CLOSE)
    for i, tag in enumerate(tags):
        assert gap(tag, boxes[i]) <= 3, f"tag {i} is away from its box"
        assert gap(tag, boxes[i]) > -3, f"tag {i} covers its face"
        for k, other in enumerate(boxes):
            assert k == i or gap(tag, other) > 0, f"tag {i} touches box {k}"
        for k, other in enumerate(tags):
            assert k == i or gap(tag, other) > 0, f"tags {i} and {k} touch"


@pytest.mark.parametrize("width", [1440, 390])
def test_each_tag_lies_against_its_own_box_alone(page: Page, width: int) -> None:
    """Among faces close together, each tag touches its own box only, on a desktop and on a phone."""
    page.set_viewport_size({"width": width, "height": 900})
    page.add_init_script(RECORDER)
    visit(page, result(*(face(i + 1, box, ["sadness"] * 4) for i, box in enumerate(CLOSE))))
    page.wait_for_function("() => drawn.tags.length > 0")
    hold_each_to_its_own(page.evaluate("drawn"))


def test_many_tags_do_not_bury_a_small_picture(page: Page) -> None:
    """The tags of twelve faces on a phone cover less than a tenth of the picture."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.add_init_script(RECORDER)
    places = [(20 + 150 * (i % 4), 30 + 150 * (i // 4), 60, 80) for i in range(12)]
    visit(page, result(*(face(i + 1, box, ["surprise"] * 4) for i, box in enumerate(places))))
    page.wait_for_function("() => drawn.tags.length === 12")
    tags, boxes = page.evaluate("[drawn.tags, drawn.boxes]")
    stage = page.locator("#overlay").bounding_box()
    assert stage is not None
    assert sum(tag[2] * tag[3] for tag in tags) < stage["width"] * stage["height"] / 10
    assert all(gap(tag, box) > -3 for tag, box in zip(tags, boxes, strict=True))


def test_live_faces_have_their_own_tags(page: Page) -> None:
    """On the live page, each tag touches its own box only."""

    def respond(socket: WebSocketRoute) -> None:
        faces = [
            {"face_id": i + 1, "positions": [{"box": box}], "emotion": "fear", "confidence": 0.5, "uncertain": True}
            for i, box in enumerate(CLOSE)
        ]
        shown = {"type": "result", "frame": 1, "faces": faces, "width": 640, "height": 480, "captured_at": 1.0}
        socket.on_message(lambda message: None)
        socket.send('{"type": "session.created"}')
        socket.send(json.dumps(shown))

    page.add_init_script(RECORDER)
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia = async () => document.createElement('canvas').captureStream();"
        "HTMLMediaElement.prototype.play = async () => {};"
    )
    page.route_web_socket(re.compile("/v1/stream"), respond)
    page.goto("/camera")
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator(".live-face")).to_have_count(len(CLOSE))
    hold_each_to_its_own(page.evaluate("drawn"))
