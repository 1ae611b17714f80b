"""A result of one hour with twenty faces, which the page generates itself."""

from playwright.sync_api import Page

from tests.support.servers.scripted_server import job_document, remember

FACES = 20
HOUR = """
const seconds = 3600, count = FACES, fetched = window.fetch;
const labels = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"];
const windowOf = (i, f) => ({
  start_s: i / 2, end_s: i / 2 + 0.9,
  emotion: labels[(i * 7919 + f * 31) % 7], confidence: 0.7, uncertain: i % 4 === 0, flags: [],
  probabilities: Object.fromEntries(labels.map((label) => [label, 1 / 7])),
});
const positionOf = (i, f) => ({
  time_s: i / 10, score: 1,
  box: [20 + 90 * (f % 7) + 10 * Math.sin(i / 10), 20 + 150 * Math.floor(f / 7) + 8 * Math.cos(i / 7), 60, 80],
});
const faceOf = (f) => ({
  face_id: f + 1, start_s: 0, end_s: seconds,
  windows: Array.from({ length: 2 * seconds }, (_, i) => windowOf(i, f)),
  positions: Array.from({ length: 10 * seconds }, (_, i) => positionOf(i, f)),
});
const edits = [];
let version = 0;
window.fetch = async (path, ...rest) => {
  if (String(path).includes("/edits")) {
    const { method, body } = rest[0];
    if (method) version += 1;
    if (method === "POST") edits.push(JSON.parse(body));
    if (method === "DELETE") edits.pop();
    return { ok: true, status: 200, headers: new Headers(), text: async () => JSON.stringify({ version, edits }) };
  }
  if (!String(path).endsWith("/result?edited=false")) return fetched(path, ...rest);
  const body = {
    video: { duration_s: seconds, width: 640, height: 480, frames_decoded: 25 * seconds },
    faces: Array.from({ length: count }, (_, f) => faceOf(f)), warnings: [], model: { labels },
  };
  return { ok: true, status: 200, headers: new Headers(), text: async () => JSON.stringify(body) };
};
"""
"""The page generates the result itself, because transferring its hundred megabytes through the test is slow."""

SETTLED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

LANGUAGE = """window.switchLanguage = () => {
  const choice = document.getElementById("language");
  choice.value = choice.value === "en" ? "tr" : "en";
  choice.dispatchEvent(new Event("change"));
}"""

KEYS = """window.press = (key, more = {}) =>
  document.getElementById("video-name").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...more }))"""


SPLIT = "press('s')"

UNDO = "press('z', { ctrlKey: true })"

ACTIONS = {
    "face": "press('1')",
    "window": "press('ArrowRight', { shiftKey: true })",
    "overview": "document.getElementById('overview').dispatchEvent(new KeyboardEvent('keydown', { key: 'End' }))",
    "zoom": "press('+')",
    "fit": "press('0')",
    "seek": "press('End')",
    "language": "switchLanguage()",
    "select": "press('f')",
    "name": "document.querySelector('button.face-title').click()",
    "exclude": "press('x')",
}
"""What a person does on the page of a job, as JavaScript; each can be repeated."""


def open_hour(page: Page) -> None:
    """Open the page of a job with this result and define `press` and `switchLanguage`."""
    page.add_init_script(HOUR.replace("FACES", str(FACES)))
    remember(page, "hour")
    page.route("**/v1/jobs/*", lambda route: route.fulfill(json=job_document("hour", status="succeeded")))
    page.goto("about:blank")
    page.goto("/#job/hour")
    page.wait_for_selector("#workspace:not([hidden])", timeout=90_000)
    page.evaluate(KEYS)
    page.evaluate(LANGUAGE)


def react(page: Page, action: str) -> None:
    """Carry out an action and wait until the page is drawn."""
    page.evaluate(f"() => {{ {action}; return {SETTLED}; }}")


def point(page: Page) -> None:
    """Move the play head into a face, where it can be split."""
    page.locator("#lane-view").click(position={"x": 300, "y": 60})
