"""What several tests use: synthetic video, servers, workers, browsers."""
