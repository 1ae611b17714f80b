"""The TypeScript client: its types, its tests by Node against real services, and its package."""

import hashlib
import json
import shutil
from pathlib import Path

import httpx

from duygu.shared.config.api_keys import KeyLimits, Scope, add_key
from duygu.shared.paths import ROOT
from duygu.shared.version import VERSION
from tests.services.conftest import StartWorker, wait_until
from tests.support.browser import served
from tests.support.media.pictures import astronaut
from tests.support.media.videos import STILL, VideoMaker
from tests.support.servers.cutting_proxy import cutting
from tests.support.typescript import CLIENT, compile_typescript, needs_typescript, run_node
from tests.support.workers.scripted_worker import Script

pytestmark = needs_typescript

RESPONSE_BYTES = 150
"""A response to a part is longer."""

USE = """\
import { Duygu, DuyguError, type JobEvent, type Result, type live } from "duygu";

const emotions = (result: Result): string[] => result.faces.map((face) => face.emotion);
const labelOf = (event: JobEvent): string | null => (event.event === "window" ? event.data.emotion : null);
const isReply = (message: live.ServerMessage): boolean => message.type === "result";

try {
  await new Duygu({ url: "http://127.0.0.1:1" }).call("GET /v1/model");
} catch (error) {
  console.log(error instanceof DuyguError ? error.code : error);
}
"""
"""A program that uses the package, in TypeScript."""


def run_tests(build: Path, name: str, **environment: str) -> None:
    """Run a file of tests with Node's own runner."""
    run_node("--test", CLIENT / "test" / name, environment={"DUYGU_CLIENT": str(build / "index.js"), **environment})


def test_events(build: Path) -> None:
    """The client reads events over connections that break, and repeats what may be repeated."""
    run_tests(build, "events.test.mjs")


def test_a_service(build: Path, tmp_path: Path, video_maker: VideoMaker) -> None:
    """Videos, uploads in parts, pictures and live sessions work with a whole service."""
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(astronaut(".jpg"))
    with served(tmp_path / "data") as url:
        wait_until(lambda: httpx.get(f"{url}/readyz").status_code == httpx.codes.OK)
        run_tests(
            build,
            "service.test.mjs",
            DUYGU_URL=url,
            DUYGU_VIDEO=str(video_maker.make(STILL)),
            DUYGU_PICTURE=str(picture),
        )


def test_an_upload_that_is_cut_ten_times(
    build: Path, api: httpx.Client, start_scripted_worker: StartWorker, tmp_path: Path
) -> None:
    """A file in parts has the same hash in the service as here after ten broken connections."""
    start_scripted_worker()
    path = tmp_path / "large.mp4"
    path.write_bytes(Script(duration_s=0.1).upload().ljust(2_000_000))
    cuts = (400, *[RESPONSE_BYTES] * 10)
    with cutting(api.base_url.port or 0, *cuts) as proxy:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        run_tests(
            build,
            "cuts.test.mjs",
            DUYGU_URL=f"http://127.0.0.1:{proxy.port}",
            DUYGU_VIDEO=str(path),
            DUYGU_SHA256=sha256,
        )
        assert proxy.connections > len(cuts)


def test_keys(build: Path, tmp_path: Path) -> None:
    """Requests and live sessions have the key of the client."""
    keys = tmp_path / "keys.json"
    key = add_key(keys, "web", frozenset({Scope.SUBMIT, Scope.READ}), KeyLimits())
    with served(tmp_path / "data", DUYGU_KEYS_FILE=str(keys)) as url:
        wait_until(lambda: httpx.get(f"{url}/readyz").status_code == httpx.codes.OK)
        run_tests(build, "keys.test.mjs", DUYGU_URL=url, DUYGU_KEY=key)


def test_the_package_is_complete(build: Path, tmp_path: Path) -> None:
    """What npm would publish can be imported, has types, and needs no other package."""
    about = json.loads((CLIENT / "package.json").read_text(encoding="utf-8"))
    assert (about["version"], about.get("dependencies")) == (VERSION, None)
    assert (CLIENT / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    package = tmp_path / "node_modules" / about["name"]
    package.mkdir(parents=True)
    for name in ("package.json", "README.md", "LICENSE"):
        shutil.copy(CLIENT / name, package)
    for name in about["files"]:
        shutil.copytree(build if name == "dist" else CLIENT / name, package / name)
    (tmp_path / "use.mts").write_text(USE, encoding="utf-8")
    options = ["--module", "NodeNext", "--strict", "--lib", "ES2022,DOM,DOM.AsyncIterable"]
    compile_typescript(*options, "--outDir", tmp_path, tmp_path / "use.mts")
    assert run_node(tmp_path / "use.mjs") == "unreachable\n"
