"""The samples of every call, and the TypeScript in the documentation, run against a real service."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from docs.generate import DOCS
from docs.tools.typescript import openapi
from duygu.services.api.http.call_samples import ADDRESS, EDIT, LABELS
from tests.services.conftest import wait_until
from tests.support.browser import served
from tests.support.media.pictures import astronaut
from tests.support.media.videos import STILL, VideoMaker
from tests.support.typescript import CLIENT, compile_typescript, needs_typescript, run_node

OPERATIONS = {
    f"{method.upper()} {path}": {one["label"]: one["source"] for one in about["x-codeSamples"]}
    for path, methods in openapi()["paths"].items()
    for method, about in methods.items()
}

CURL = """\
set -e
curl() { command curl --fail-with-body --silent --show-error --max-time 60 "$@"; }
"""
"""Makes an unsuccessful response a failure."""

BLOCK = re.compile(r"```ts\n(.*?)```", re.DOTALL)

PAGES = (CLIENT / "README.md", DOCS / "api.md", DOCS / "live.md")

NODE_TYPES = """\
declare module "node:fs" {
  export function openAsBlob(path: string): Promise<Blob>;
}
"""
"""What the samples use of Node.js, without its package of types."""

RUNNER = """\
for (const name of process.argv.slice(2)) {
  try {
    await import(name);
  } catch (error) {
    console.error(name, error);
    process.exitCode = 1;
  }
}
"""


@dataclass
class Service:
    """A running service, with the result of a video that it keeps."""

    url: str
    folder: Path  # with the files that samples name
    result: str = ""
    video_job: str = ""

    def prepare(self) -> None:
        """Analyse the video of the folder."""
        with (self.folder / "clip.mp4").open("rb") as file:
            response = httpx.post(
                f"{self.url}/v1/videos", files={"video": file}, headers={"Prefer": "wait=60"}, timeout=90
            )
        self.video_job = response.json()["job_id"]
        wait_until(lambda: self._read(f"/v1/jobs/{self.video_job}")["ended_at"])
        self.result = httpx.get(f"{self.url}/v1/jobs/{self.video_job}/result").text
        (self.folder / "result.json").write_text(self.result, encoding="utf-8")

    def fill(self, name: str, source: str) -> str:
        """A sample with the address of the service, and with the ids of a job and of an upload made for it."""
        source = source.replace(ADDRESS, self.url)
        for placeholder, make in {"JOB_ID": self._job, "UPLOAD_ID": self._upload, "STUDY_ID": self._study}.items():
            if placeholder in source:
                is_video = name.endswith(("/video", "/events"))
                source = source.replace(placeholder, self.video_job if is_video else make())
        return source

    def _job(self) -> str:
        """A job with a result, an edit, and labels of two raters."""
        headers = {"Content-Type": "application/json"}
        job_id = str(httpx.post(f"{self.url}/v1/jobs", content=self.result, headers=headers).json()["job_id"])
        httpx.post(f"{self.url}/v1/jobs/{job_id}/edits", json=EDIT).raise_for_status()
        for rater in ("anna", "ben"):
            httpx.put(f"{self.url}/v1/jobs/{job_id}/labels/{rater}", json=LABELS).raise_for_status()
        return job_id

    def _upload(self) -> str:
        size = (self.folder / "clip.mp4").stat().st_size
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(size)}
        return httpx.post(f"{self.url}/v1/uploads", headers=headers).headers["location"].rpartition("/")[2]

    def _study(self) -> str:
        content = {"title": "Pilot", "rows": [{"job_id": self._job(), "participant": "P01"}]}
        return str(httpx.post(f"{self.url}/v1/studies", json=content).json()["study_id"])

    def _read(self, path: str) -> dict[str, object]:
        return dict(httpx.get(f"{self.url}{path}").json())


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that keeps uploads, and the files of the samples."""
    folder = tmp_path_factory.mktemp("samples")
    shutil.copy(VideoMaker(folder).make(STILL), folder / "clip.mp4")
    (folder / "picture.jpg").write_bytes(astronaut(".jpg"))
    (folder / "notes.txt").write_text("not a video", encoding="utf-8")
    (folder / "labels.csv").write_text("face_id,start_s,end_s,emotion\n1,0.2,0.9,sadness\n", encoding="utf-8")
    with served(folder / "data", DUYGU_KEEP_UPLOADS="1") as url:
        wait_until(lambda: httpx.get(f"{url}/readyz").status_code == httpx.codes.OK)
        running = Service(url, folder)
        running.prepare()
        yield running


def test_every_call_has_samples() -> None:
    """Every call has a sample in each language."""
    assert {tuple(samples) for samples in OPERATIONS.values()} == {("curl", "Python", "TypeScript")}


def test_curl(service: Service) -> None:
    """Every sample with curl succeeds."""
    script = "\n".join(service.fill(name, samples["curl"]) + "\necho" for name, samples in OPERATIONS.items())
    done = subprocess.run(["bash", "-c", CURL + script], cwd=service.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr
    assert '"status":"queued"' in done.stdout.replace(" ", "")
    assert (service.folder / "copy.mp4").read_bytes() == (service.folder / "clip.mp4").read_bytes()


def test_python(service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Every sample in Python succeeds."""
    monkeypatch.chdir(service.folder)
    for name, samples in OPERATIONS.items():
        exec(service.fill(name, samples["Python"]), {})  # noqa: S102 - our own
    assert "duygu_pictures_total" in capsys.readouterr().out


@needs_typescript
def test_typescript(service: Service, build: Path) -> None:
    """Every sample in TypeScript, and every example of the documentation, has valid types and runs."""
    sources = [service.fill(name, samples["TypeScript"]) for name, samples in OPERATIONS.items()]
    texts = [text for page in PAGES for text in BLOCK.findall(page.read_text(encoding="utf-8"))]
    assert len(texts) > len(PAGES)
    local = [
        re.sub(r"new Duygu\((?:\{ url: \"[^\"]*\" \})?\)", f'new Duygu({{ url: "{service.url}" }})', text)
        for text in texts
    ]
    package = service.folder / "node_modules" / "duygu"
    package.mkdir(parents=True)
    shutil.copy(CLIENT / "package.json", package)
    shutil.copytree(build, package / "dist")
    for number, source in enumerate([*sources, *local]):
        (service.folder / f"sample{number}.mts").write_text(source, encoding="utf-8")
    (service.folder / "node.d.ts").write_text(NODE_TYPES, encoding="utf-8")
    (service.folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": OPTIONS}), encoding="utf-8")
    compile_typescript("-p", service.folder)
    (service.folder / "run.mjs").write_text(RUNNER, encoding="utf-8")
    names = [f"./sample{number}.mjs" for number in range(len(sources) + len(local))]
    output = run_node(service.folder / "run.mjs", *names, folder=service.folder)
    assert "not_a_video" in output


OPTIONS = {
    "module": "NodeNext",
    "target": "ES2022",
    "lib": ["ES2023", "DOM", "DOM.Iterable", "DOM.AsyncIterable"],
    "strict": True,
    "types": [],
}
"""Of the compiler, as a project that uses the client may have them."""
