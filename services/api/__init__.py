"""The FastAPI service: HTTP, the live socket and Redis. It decodes no pictures."""
