"""The tools and resources of the MCP server."""

from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import Context, Image
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, InputRequiredResult, Tool, ToolAnnotations
from pydantic import Field

from duygu.services.mcp.analyses import Analyses, Analysis
from duygu.services.mcp.sources import Analyzer, readable_file, readable_source
from duygu.services.mcp.tool_results import (
    MEANING,
    Comparison,
    Summary,
    WindowPage,
    compare,
    notes_of,
    summarize,
    windows_page,
)
from duygu.shared.errors import DuyguError, TooLargeError, UnknownParameterError, UnreadableFileError
from duygu.shared.exports.titles import printable
from duygu.shared.schemas.base import Schema
from duygu.shared.schemas.job import JobStatus
from duygu.shared.schemas.options import read_options
from duygu.shared.schemas.result import Result
from duygu.shared.version import VERSION
from duygu.shared.workbench.edits.editing import visible

INSTRUCTIONS = f"""Duygu finds every face in a video and estimates its emotion over time.

Start an analysis with `analyze_video`, wait with `get_analysis`, then read it with `summarize`, `compare_people`,
`list_windows` or `timeline_figure`. Times are seconds from the first frame. `uncertain` windows are guesses: never
report their emotion as found. {MEANING} Pass the `notes` of each tool result on to the user with its figures."""

LONGEST_WAIT_S = 120.0

LARGEST_RESULT_BYTES = 200_000_000

READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)

STARTS = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)

AnalysisId = Annotated[str, Field(description="id of an analysis, such as `a1`")]
From = Annotated[float, Field(ge=0, description="start of the span in seconds")]
Until = Annotated[float | None, Field(description="end of the span in seconds, exclusive; null: the end")]
Wait = Annotated[
    float, Field(ge=0, le=LONGEST_WAIT_S, description="seconds to wait for the end before the tool returns")
]

P = ParamSpec("P")
T = TypeVar("T")


class AnalysisState(Schema):
    """State of an analysis, with an overview of its result once there is one."""

    analysis_id: str
    name: str
    status: JobStatus
    progress: float | None = Field(description="share done; null while unknown")
    error: str | None = Field(default=None, description="code and reason of a failed analysis")
    duration_s: float | None = Field(default=None, description="length of the video")
    faces: dict[int, str] | None = Field(default=None, description="id and, after an edit, name of every face")
    notes: list[str] = Field(default=[], description="limits of the result, to be passed on with it")


class StrictServer(MCPServer):
    """A server that refuses unknown arguments of a tool, which MCPServer ignores, and says so in the schemas."""

    async def list_tools(self) -> list[Tool]:
        """The tools, whose arguments are those of their schema and no others."""
        tools = await super().list_tools()
        return [
            tool.model_copy(update={"input_schema": {**tool.input_schema, "additionalProperties": False}})
            for tool in tools
        ]

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool. Raises ToolError for an unknown argument, besides those of MCPServer."""
        known = {tool.name: tool.input_schema.get("properties", {}) for tool in await self.list_tools()}
        for argument in arguments if name in known else ():
            if argument not in known[name]:
                raise _tool_error(UnknownParameterError("argument", argument, known[name]))
        return await super().call_tool(name, arguments, context)


def make_server(analyze: Analyzer, folders: list[Path]) -> MCPServer:
    """The server. It reads files only in `folders`; empty: everywhere."""
    server = StrictServer("duygu", title="Duygu", instructions=INSTRUCTIONS, version=VERSION, log_level="WARNING")
    analyses = Analyses(analyze)
    _add_analysis_tools(server, analyses, folders)
    _add_reading_tools(server, analyses)
    _add_resources(server)
    return server


def _add_analysis_tools(server: MCPServer, analyses: Analyses, folders: list[Path]) -> None:
    @server.tool(annotations=STARTS)
    @_reported
    async def analyze_video(
        path: Annotated[str, Field(description="path of a video file on the machine of this server, or a link to one")],
        start_s: Annotated[float | None, Field(description="start of the part to analyse, in seconds")] = None,
        end_s: Annotated[float | None, Field(description="end of the part, exclusive")] = None,
        max_faces: Annotated[int | None, Field(description="maximum number of faces at the same time")] = None,
        min_face: Annotated[
            float | None, Field(description="minimum face size, as a share of the shorter side")
        ] = None,
        measures: Annotated[
            list[str] | None, Field(description="`movements`: facial movements, `speaking` and `valence`")
        ] = None,
        baseline: Annotated[
            str | None,
            Field(
                description="resting face of each person, to which relative predictions refer: `auto`, spans in "
                "seconds such as `3-13,20-25`, or with `--service` the id of a job"
            ),
        ] = None,
        wait_s: Wait = 20,
        *,
        context: Context,
    ) -> AnalysisState:
        """Analyse a video. Analyses run one after the other; if this one has not ended after `wait_s`, the result has
        its state and `get_analysis` waits further."""
        chosen = {"start_s": start_s, "end_s": end_s, "max_faces": max_faces, "min_face": min_face}
        options = read_options({**chosen, "measures": measures, "baseline": baseline})
        analysis = analyses.start(readable_source(path, folders), options)
        return await _ended(analysis, wait_s, context)

    @server.tool(annotations=READS)
    @_reported
    async def get_analysis(analysis_id: AnalysisId, wait_s: Wait = 20, *, context: Context) -> AnalysisState:
        """State of an analysis; waits for its end, at most `wait_s`."""
        return await _ended(analyses.get(analysis_id), wait_s, context)

    @server.tool(annotations=READS)
    @_reported
    async def list_analyses() -> list[AnalysisState]:
        """All analyses and opened results of this server."""
        return [_state(one) for one in analyses]

    @server.tool(annotations=STARTS)
    @_reported
    async def open_result(
        path: Annotated[str, Field(description="path of a result, as `duygu analyze --json FILE` writes it")],
    ) -> AnalysisState:
        """Open a result that exists, instead of analysing its video again."""
        file = readable_file(path, folders)
        result = await anyio.to_thread.run_sync(_read_result, file)
        return _state(analyses.add(result, file.name))

    @server.tool(annotations=STARTS)
    @_reported
    async def cancel_analysis(analysis_id: AnalysisId) -> AnalysisState:
        """Cancel an analysis that has not started."""
        return _state(analyses.cancel(analysis_id))


def _add_reading_tools(server: MCPServer, analyses: Analyses) -> None:
    @server.tool(name="summarize", annotations=READS)
    @_reported
    async def summarize_span(analysis_id: AnalysisId, start_s: From = 0, end_s: Until = None) -> Summary:
        """Every face between two times: shares of time per emotion, uncertain share, strongest moments."""
        return summarize(analysis_id, analyses.get(analysis_id).result, start_s, end_s)

    @server.tool(annotations=READS)
    @_reported
    async def compare_people(
        analysis_id: AnalysisId,
        face_ids: Annotated[list[int], Field(max_length=6, description="empty: the four visible longest")] = [],  # noqa: B006
        start_s: From = 0,
        end_s: Until = None,
    ) -> Comparison:
        """Compare faces in pairs over the time at which both are visible."""
        return compare(analysis_id, analyses.get(analysis_id).result, face_ids, start_s, end_s)

    @server.tool(annotations=READS)
    @_reported
    async def list_windows(
        analysis_id: AnalysisId,
        face_id: Annotated[int | None, Field(description="null: all faces")] = None,
        start_s: From = 0,
        end_s: Until = None,
        offset: Annotated[int, Field(ge=0)] = 0,
        limit: Annotated[int, Field(ge=1, le=200)] = 40,
    ) -> WindowPage:
        """Single windows of about a second, in order of time. Prefer `summarize` for more than a few seconds."""
        result = analyses.get(analysis_id).result
        return windows_page(
            analysis_id, result, face_id=face_id, start_s=start_s, end_s=end_s, offset=offset, limit=limit
        )

    @server.tool(annotations=READS, structured_output=False)
    @_reported
    async def timeline_figure(analysis_id: AnalysisId) -> list[Image | str]:
        """The timeline as a picture: a lane per face, colour for emotion, hatching for uncertain windows."""
        from duygu.shared.annotated import timeline_png

        result = analyses.get(analysis_id).result
        picture = await anyio.to_thread.run_sync(timeline_png, result)
        return [Image(data=picture, format="png"), *notes_of(result, visible(result).faces)]


def _add_resources(server: MCPServer) -> None:
    @server.resource("duygu://reading-the-result", title="Reading the result", mime_type="text/markdown")
    def reading_the_result() -> str:
        """Meaning of every field of a result, and how far to trust it."""
        from duygu.services.api.pages import READING

        return READING.read_text(encoding="utf-8")


def _reported(tool: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Report an error with a code as the error of the tool, `code: detail`."""

    @wraps(tool)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await tool(*args, **kwargs)
        except DuyguError as error:
            raise _tool_error(error) from error

    return call


def _tool_error(error: DuyguError) -> ToolError:
    return ToolError(f"{error.code}: {error.detail}")


async def _ended(analysis: Analysis, wait_s: float, context: Context) -> AnalysisState:
    """The state after the end of an analysis or after `wait_s`; reports progress meanwhile."""
    with anyio.move_on_after(wait_s):
        while not analysis.future.done():
            await context.report_progress(analysis.progress or 0, 1)
            await anyio.to_thread.run_sync(analysis.wait, 0.5)
    return _state(analysis)


def _state(analysis: Analysis) -> AnalysisState:
    state = AnalysisState(
        analysis_id=analysis.analysis_id,
        name=printable(analysis.name),
        status=analysis.status,
        progress=analysis.progress,
    )
    if state.status == JobStatus.FAILED:
        return state.model_copy(update={"error": _reason(analysis.error)})
    if state.status != JobStatus.SUCCEEDED:
        return state
    result = analysis.result
    faces = visible(result).faces
    return state.model_copy(
        update={
            "progress": 1.0,
            "duration_s": result.video.duration_s,
            "faces": {face.face_id: face.name or "" for face in faces},
            "notes": notes_of(result, faces),
        }
    )


def _reason(error: BaseException | None) -> str:
    if isinstance(error, DuyguError):
        return f"{error.code}: {error.detail}"
    return f"{DuyguError.code}: {type(error).__name__}"


def _read_result(path: Path) -> Result:
    if (size := path.stat().st_size) > LARGEST_RESULT_BYTES:
        raise TooLargeError(f"{printable(path.name)} has {size} bytes, the maximum is {LARGEST_RESULT_BYTES}")
    try:
        return Result.read(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UnreadableFileError(f"{printable(path.name)} is not a result of Duygu") from error
