"""The pages for people: one document and its modules, all from this folder and from nowhere else."""

from pathlib import Path

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from duygu.shared.config import ROOT

STATIC = Path(__file__).parent / "static"

READING = ROOT / "docs" / "reading-the-result.md"

FILES = StaticFiles(directory=STATIC)

router = APIRouter(include_in_schema=False)


@router.get("/")
@router.get("/upload")
async def index(request: Request) -> Response:
    """The web application."""
    return await _page("index.html", request)


@router.get("/camera")
async def camera(request: Request) -> Response:
    """The live page."""
    return await _page("camera.html", request)


@router.get("/api")
async def api(request: Request) -> Response:
    """The calls, for people."""
    return await _page("api.html", request)


@router.get("/docs/reading-the-result")
async def reading_the_result() -> FileResponse:
    """The meaning of each figure of a result, as text."""
    return FileResponse(READING, media_type="text/plain; charset=utf-8")


def mount_pages(app: FastAPI) -> None:
    """Serve the pages and what they load."""
    app.include_router(router)
    app.mount("/static", FILES, name="static")


def not_found_page() -> Response:
    """The page for an address at which there is nothing."""
    return FileResponse(STATIC / "not-found.html", 404, {"Cache-Control": "no-cache", "Vary": "Accept"})


async def _page(name: str, request: Request) -> Response:
    """One page; browsers ask each time whether the one that they have is still the same."""
    response = await FILES.get_response(name, request.scope)
    response.headers["Cache-Control"] = "no-cache"
    return response
