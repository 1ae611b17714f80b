"""FastAPI service: HTTP and Redis; it never sees a pixel."""
