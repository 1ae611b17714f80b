"""`POST /v1/videos`: receives uploads and submits them as jobs."""
