"""Properties of media files that are read from their bytes without decoding."""
