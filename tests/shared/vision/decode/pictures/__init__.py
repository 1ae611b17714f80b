"""Tests of the decoding of single pictures."""
