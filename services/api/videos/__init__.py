"""`POST /v1/videos`: uploads and their submission as jobs."""
