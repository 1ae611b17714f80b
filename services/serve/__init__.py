"""`duygu serve`: the supervisor and the HTTP server."""
