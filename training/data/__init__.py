"""Recordings, stills, clips and splits."""
