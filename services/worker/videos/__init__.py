"""The task that analyses a video."""
