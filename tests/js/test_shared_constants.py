"""What the pages and the Python code have in common has the same value on both sides.

Node evaluates the modules of the pages, and Python imports its own. The rule for tags is compared by
tests/shared/annotated/test_tag_layout.py.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from duygu.services.api.live.routes import KEY_SUBPROTOCOL
from duygu.shared.annotated import overlay
from duygu.shared.config.settings import Settings
from duygu.shared.errors import by_code
from duygu.shared.exports import ExportName, moments, spans
from duygu.shared.exports.palette import PALETTE
from duygu.shared.live import header
from duygu.shared.model.folder import open_model_folder
from duygu.shared.schemas.emotions import EMOTIONS, OTHER
from duygu.shared.schemas.job import JobStatus
from duygu.shared.schemas.result import Flag
from duygu.shared.schemas.service import ServiceLimits

STATIC = Path(__file__).resolve().parents[2] / "services" / "api" / "static"
NODE = shutil.which("node") or shutil.which("nodejs")

SCRIPT = """
globalThis.document = Object.assign(new EventTarget(), { documentElement: {}, querySelectorAll: () => [] });
globalThis.sessionStorage = { getItem: () => "secret", setItem() {}, removeItem() {} };
const load = (path) => import(`./js/${path}.js`);
const { subprotocols } = await load("api/key");
const { pack } = await load("camera/session");
const { EMOTIONS } = await load("common/emotions");
const { MAX_LANES } = await load("jobs/preview-data");
const { FORMATS } = await load("result/downloads");
const { HOLD_S, HOLD_GAPS, FIRST_GAPS, JOIN_S, LINGER_S, SPEAKS } = await load("timeline/timebase");
process.stdout.write(JSON.stringify({
  emotions: EMOTIONS,
  formats: FORMATS,
  frame: [...pack(Uint8Array.of(255, 216).buffer, 41, 1500)],
  lanes: MAX_LANES,
  speaks: SPEAKS,
  subprotocols: subprotocols(),
  times: { HOLD_S, HOLD_GAPS, FIRST_GAPS, JOIN_S, LINGER_S },
  locales: { en: (await load("locales/en")).default, tr: (await load("locales/tr")).default },
}));
"""


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """The constants of the pages."""
    if NODE is None:
        pytest.skip("there is no node on this machine")
    command = [NODE, "--input-type=module", "-e", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, cwd=STATIC, timeout=60)
    assert done.returncode == 0, done.stderr
    values: dict[str, Any] = json.loads(done.stdout)
    return values


def test_labels_are_in_the_same_order(page: dict[str, Any]) -> None:
    """The live page draws its legend in the order of the model's outputs before the service has sent its own."""
    assert tuple(page["emotions"]) == EMOTIONS


@pytest.mark.parametrize("language", ["en", "tr"])
def test_labels_flags_and_states_have_names(page: dict[str, Any], language: str) -> None:
    """Each language names every label, every flag of a window and every status of a job."""
    texts = page["locales"][language]
    assert set(texts["emotions"]) == {*EMOTIONS, OTHER}
    assert set(texts["flags"]) == {str(flag) for flag in Flag}
    assert set(JobStatus) <= set(texts["jobs"])
    assert set(JobStatus) <= set(texts["title"])


def test_colours_are_those_of_the_exports() -> None:
    """In light and in dark, css/tokens.css gives each emotion the colour that figures and videos have."""
    declared = re.findall(r"--(\w+): (#[0-9a-f]{6});", (STATIC / "css" / "tokens.css").read_text("utf-8"))
    colours: dict[str, set[str]] = {}
    for name, colour in declared:
        colours.setdefault(name, set()).add(colour)
    assert {name: colours.get(name) for name in PALETTE} == {name: {colour} for name, colour in PALETTE.items()}


def test_a_live_frame_has_the_documented_header(page: dict[str, Any]) -> None:
    """Frames that the page packs are those that the service unpacks, byte for byte."""
    message = bytes(page["frame"])
    assert message == header.pack(b"\xff\xd8", 41, 1.5)
    assert header.unpack(message) == header.Incoming(b"\xff\xd8", 41, 1.5)


def test_a_socket_offers_the_key_as_the_service_reads_it(page: dict[str, Any]) -> None:
    """The key is the second subprotocol, behind its prefix."""
    assert page["subprotocols"] == ["duygu", f"{KEY_SUBPROTOCOL}secret"]


def test_moments_follow_the_same_times(page: dict[str, Any]) -> None:
    """Boxes and windows appear and disappear at the same moments on the page and in an annotated video."""
    assert page["times"] == {
        "HOLD_S": moments.HOLD_S,
        "HOLD_GAPS": moments.HOLD_GAPS,
        "FIRST_GAPS": moments.FIRST_GAPS,
        "JOIN_S": spans.JOIN_S,
        "LINGER_S": moments.LINGER_S,
    }


def test_talking_begins_at_the_same_probability(page: dict[str, Any]) -> None:
    """Pages and exports call the same windows talking."""
    assert page["speaks"] == spans.SPEAKS


def test_previews_have_as_many_lanes_as_annotated_videos(page: dict[str, Any]) -> None:
    """Both show the same number of faces before they count the rest."""
    assert page["lanes"] == overlay.MAX_LANES


def test_every_format_of_a_result_can_be_downloaded(page: dict[str, Any]) -> None:
    """The list of downloads has every export, and each language describes it."""
    videos = {ExportName.MP4, ExportName.BLURRED}  # listed by themselves: they have to be made first
    assert {*page["formats"], *videos} == set(ExportName)
    for texts in page["locales"].values():
        assert set(ExportName) <= set(texts["downloads"])


def test_every_error_code_has_a_title_and_a_remedy(page: dict[str, Any]) -> None:
    """In each language; English takes the titles of the service itself, so it repeats none."""
    codes = set(by_code())
    assert set(page["locales"]["tr"]["errors"]) == codes
    assert not page["locales"]["en"]["errors"]
    for texts in page["locales"].values():
        assert set(texts["remedies"]) == codes


def test_every_measurement_of_the_model_has_a_description(page: dict[str, Any]) -> None:
    """In each language, also under the names that the next export writes."""
    measured = set(open_model_folder(Settings().model).manifest.measured)
    for texts in page["locales"].values():
        assert {*measured, "javanese_zero_shot", "javanese_leave_one_actor_out"} <= set(texts["trust"]["names"])


def test_limits_are_read_under_the_names_of_the_service() -> None:
    """Every property of GET /v1/limits that the pages read exists."""
    sources = "".join(path.read_text("utf-8") for path in (STATIC / "js").rglob("*.js"))
    read = set(re.findall(r"known\.(\w+_(?:bytes|s|pixels|results))", sources))
    shown = {"max_kept", "max_studies", "link_schemes", "upload_ttl_s", "max_pictures", "max_picture_pixels"}
    assert read == set(ServiceLimits.model_fields) - shown
