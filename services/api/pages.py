"""The pages for people: one document and its modules, all from this folder and from nowhere else."""

from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

STATIC = Path(__file__).parent / "static"

router = APIRouter(include_in_schema=False)


@router.get("/")
@router.get("/upload")
def index() -> FileResponse:
    """The web application."""
    return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})


@router.get("/camera")
def camera() -> FileResponse:
    """The live page."""
    return FileResponse(STATIC / "camera.html", headers={"Cache-Control": "no-cache"})


@router.get("/api")
def api() -> FileResponse:
    """The calls, for people."""
    return FileResponse(STATIC / "api.html", headers={"Cache-Control": "no-cache"})


def mount_pages(app: FastAPI) -> None:
    """Serve the pages and what they load."""
    app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
