"""Storage of uploads and results in a folder or a bucket."""
