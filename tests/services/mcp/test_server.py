"""The tools of `duygu mcp`, called by the reference client over stdio and HTTP, with the real model."""

import asyncio
import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from pydantic import BaseModel

from duygu.services.mcp.tool_results import MEANING
from tests.support.media.videos import STILL, VideoMaker
from tests.support.results.known import two_faces
from tests.support.servers.file_server import serving_file

COMMAND = [sys.executable, "-m", "duygu", "mcp"]

PNG = b"\x89PNG"


def with_client(work: Callable[[Client], Awaitable[None]], *arguments: str) -> None:
    """Run `work` with a client of a server on stdio."""

    async def run() -> None:
        parameters = StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:], *arguments], env=dict(os.environ))
        async with Client(parameters) as client:
            await work(client)

    asyncio.run(run())


async def call(client: Client, tool: str, **arguments: Any) -> Any:
    """The structured result of a tool; fails if the tool reports an error."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content


async def error_of(client: Client, tool: str, **arguments: Any) -> str:
    """The text of the error that a tool reports."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return _text(result.content[0])


def _text(part: BaseModel) -> str:
    return str(part.model_dump()["text"])


def test_an_assistant_analyses_a_video_and_reads_it(video_maker: VideoMaker) -> None:
    """A video is analysed, summarised, listed and drawn; every result has the notes of the model."""

    async def work(client: Client) -> None:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert tools >= {
            "analyze_video",
            "get_analysis",
            "summarize",
            "compare_people",
            "list_windows",
            "timeline_figure",
        }
        state = await call(client, "analyze_video", path=str(video_maker.make(STILL)), wait_s=120)
        assert (state["status"], list(state["faces"])) == ("succeeded", ["1"])
        assert MEANING in state["notes"]
        summary = await call(client, "summarize", analysis_id=state["analysis_id"])
        [face] = summary["faces"]
        assert sum(face["shares"].values()) + face["uncertain"] == pytest.approx(1, abs=0.01)
        assert sum(face["mean_probabilities"].values()) == pytest.approx(1, abs=0.01)
        assert MEANING in summary["notes"]
        page = await call(client, "list_windows", analysis_id=state["analysis_id"], limit=1)
        assert len(page["windows"]) == 1
        figure = await client.call_tool("timeline_figure", {"analysis_id": state["analysis_id"]})
        assert base64.b64decode(figure.content[0].model_dump()["data"]).startswith(PNG)
        assert MEANING in [_text(part) for part in figure.content[1:]]

    with_client(work)


def test_an_opened_result_is_compared(tmp_path: Path) -> None:
    """A result that exists is opened without an analysis, and its faces are compared in pairs."""
    path = tmp_path / "known.json"
    path.write_text(two_faces().model_dump_json())

    async def work(client: Client) -> None:
        state = await call(client, "open_result", path=str(path))
        compared = await call(client, "compare_people", analysis_id=state["analysis_id"])
        assert [pair["face_ids"] for pair in compared["pairs"]] == [[1, 2]]
        [listed] = (await call(client, "list_analyses"))["result"]
        assert listed["name"] == "known.json"
        guide = await client.read_resource("duygu://reading-the-result")
        assert "uncertain" in _text(guide.contents[0])

    with_client(work)


@pytest.mark.parametrize("trusted", [False, True])
def test_an_assistant_analyses_a_link(
    trusted: bool, video_maker: VideoMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The video of a link is fetched by the rules of the settings, also with `--folder`; its secrets are not shown."""
    if trusted:
        monkeypatch.setenv("DUYGU_LINK_NETWORKS", "127.0.0.0/8")

    async def work(client: Client) -> None:
        assert "link_refused: " in await error_of(client, "analyze_video", path="https://")
        state = await call(client, "analyze_video", path=url, wait_s=120)
        assert "hidden" not in json.dumps(state)
        assert state["name"] == "talk.mp4"
        if trusted:
            assert (state["status"], list(state["faces"])) == ("succeeded", ["1"])
        else:
            assert (state["status"], state["error"].partition(":")[0]) == ("failed", "link_refused")

    with serving_file(video_maker.make(STILL).read_bytes(), location="/file") as server:
        url = server.url.replace("/file", "/in/talk.mp4?token=hidden")
        with_client(work, "--folder", str(tmp_path))


def test_errors_have_codes(tmp_path: Path, video_maker: VideoMaker) -> None:
    """Unknown ids, faces and files, files that are no video or no result, and empty spans are errors with codes."""
    result = tmp_path / "known.json"
    result.write_text(two_faces().model_dump_json())

    async def work(client: Client) -> None:
        opened = await call(client, "open_result", path=str(result))
        known = opened["analysis_id"]
        assert "job_not_found: " in await error_of(client, "summarize", analysis_id="a9")
        assert "unreadable_file: " in await error_of(client, "analyze_video", path=str(tmp_path / "none.mp4"))
        assert "unreadable_file: " in await error_of(client, "open_result", path=str(video_maker.text()))
        for path in ("\0", "x" * 5000, "~no-such-user/a.mp4"):
            refused = await error_of(client, "analyze_video", path=path)
            assert "unreadable_file: " in refused
            assert len(refused) < 400
        assert "unknown_face: " in await error_of(client, "compare_people", analysis_id=known, face_ids=[1, 77])
        assert "invalid_request: " in await error_of(client, "summarize", analysis_id=known, start_s=9, end_s=3)
        assert "invalid_end_s: " in await error_of(client, "analyze_video", path=str(result), start_s=5, end_s=2)
        failed = await call(client, "analyze_video", path=str(video_maker.text()), wait_s=60)
        assert failed["status"] == "failed"
        assert failed["error"].startswith("not_a_video: ")
        assert "not_a_video: " in await error_of(client, "summarize", analysis_id=failed["analysis_id"])

    with_client(work)


def test_unknown_arguments_are_refused(tmp_path: Path) -> None:
    """Every tool names an argument that it does not have, and its schema permits no other than its own."""
    path = tmp_path / "known.json"
    path.write_text(two_faces().model_dump_json())

    async def work(client: Client) -> None:
        known = (await call(client, "open_result", path=str(path)))["analysis_id"]
        for tool in (await client.list_tools()).tools:
            assert tool.input_schema["additionalProperties"] is False
            needed = {"analysis_id": known, "path": str(path)}
            given = {name: needed[name] for name in tool.input_schema.get("required", [])}
            error = await error_of(client, tool.name, **given, bogus=1)
            assert "unknown_parameter: " in error
            assert "bogus" in error
        assert len((await call(client, "list_analyses"))["result"]) == 1

    with_client(work)


def test_movements_and_a_baseline_are_measured(video_maker: VideoMaker) -> None:
    """`measures` and `baseline` of an analysis are those of the command line, and its summary and windows show them."""
    video = str(video_maker.make(STILL))

    async def work(client: Client) -> None:
        options = {"measures": ["movements"], "baseline": "0-1"}
        state = await call(client, "analyze_video", path=video, wait_s=120, **options)
        [face] = (await call(client, "summarize", analysis_id=state["analysis_id"]))["faces"]
        assert face["talking"] is not None
        assert face["mean_valence"] is not None
        assert sum(face["mean_relative_probabilities"].values()) == pytest.approx(1, abs=0.01)
        row = (await call(client, "list_windows", analysis_id=state["analysis_id"], limit=1))["windows"][0]
        assert row["speaking"] is not None
        assert row["relative_emotion"] is not None
        assert "invalid_measures: " in await error_of(client, "analyze_video", path=video, measures=["thoughts"])
        assert "invalid_baseline: " in await error_of(client, "analyze_video", path=video, baseline="yesterday")
        job = await call(client, "analyze_video", path=video, baseline="0123456789abcdef" * 2, wait_s=60)
        assert job["error"].startswith("invalid_baseline: ")

    with_client(work)


def test_only_the_given_folders_are_read(tmp_path: Path) -> None:
    """With `--folder`, a file outside it is refused, also by `..`, through a link, or if it does not exist."""
    inside = tmp_path / "inside"
    inside.mkdir()
    secret = tmp_path / "secret.json"
    secret.write_text(two_faces().model_dump_json())
    (inside / "link.json").symlink_to(secret)

    async def work(client: Client) -> None:
        for path in (secret, inside / ".." / "secret.json", inside / "link.json", tmp_path / "none.json"):
            assert "forbidden: " in await error_of(client, "open_result", path=str(path))

    with_client(work, "--folder", str(inside))


@contextmanager
def http_server(folder: Path) -> Iterator[str]:
    """The address of a server on HTTP."""
    command = [*COMMAND, "--http", "--port", "0", "--folder", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            line = server.stderr.readline()
            address = re.search(r"http://\S+", line)
            assert address, line
            yield address[0]
        finally:
            server.terminate()


def test_http(tmp_path: Path) -> None:
    """The same tools are served on HTTP."""
    path = tmp_path / "known.json"
    path.write_text(two_faces().model_dump_json())

    async def work(address: str) -> None:
        async with Client(address) as client:
            state = await call(client, "open_result", path=str(path))
            assert json.loads(json.dumps(state))["status"] == "succeeded"

    with http_server(tmp_path) as address:
        asyncio.run(work(address))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--http", "--host", "192.0.2.1"], "not a loopback address"),
        (["--folder", "/nonexistent"], "does not exist"),
        (["--service", "nowhere"], "not the URL of a service"),
    ],
)
def test_unsafe_or_wrong_arguments(arguments: list[str], reason: str) -> None:
    """An address that others reach, a missing folder and an invalid URL end with status 2 and the reason."""
    ended = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert reason in ended.stderr
