"""Decoding of single pictures: webcam frames, photographs, data sets."""
