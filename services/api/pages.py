"""The web pages: documents, scripts and styles, all served from the folder `static`."""

from pathlib import Path

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"

READING = Path(__file__).parent / "reading-the-result.md"


class RevalidatedFiles(StaticFiles):
    """Files that browsers revalidate at each visit: modules of two versions of the service must not meet in a page."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or 304 where the browser has it."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


FILES = RevalidatedFiles(directory=STATIC)

router = APIRouter(include_in_schema=False)


@router.get("/")
@router.get("/upload")
async def index(request: Request) -> Response:
    """The page for uploads and results."""
    return await _page("index.html", request)


@router.get("/camera")
async def camera(request: Request) -> Response:
    """The page for live sessions with a camera."""
    return await _page("camera.html", request)


@router.get("/label")
async def label(request: Request) -> Response:
    """The page for labelling a video by hand."""
    return await _page("label.html", request)


@router.get("/agreement")
async def agreement(request: Request) -> Response:
    """The page with the agreement of raters and the model."""
    return await _page("agreement.html", request)


@router.get("/study")
async def study(request: Request) -> Response:
    """The page of a study."""
    return await _page("study.html", request)


@router.get("/api")
async def api(request: Request) -> Response:
    """The page with the API reference."""
    return await _page("api.html", request)


@router.get("/docs/reading-the-result")
@router.get("/docs/editing-the-result")
@router.get("/docs/file-kinds")
@router.get("/docs/privacy-and-law")
async def document(request: Request) -> Response:
    """A page of the documentation."""
    return await _page(f"{request.url.path.rpartition('/')[2]}.html", request)


def mount_pages(app: FastAPI) -> None:
    """Add the pages and their static files to an application."""
    app.include_router(router)
    app.mount("/static", FILES, name="static")


def not_found_page() -> Response:
    """The page for an unknown address."""
    return FileResponse(STATIC / "not-found.html", 404, {"Cache-Control": "no-cache", "Vary": "Accept"})


async def _page(name: str, request: Request) -> Response:
    """A page that browsers revalidate at each visit."""
    return await FILES.get_response(name, request.scope)
