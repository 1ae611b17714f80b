"""Decoding of videos and pictures in sandboxed child processes."""
