"""Where uploads and results are stored: a folder or a bucket."""
