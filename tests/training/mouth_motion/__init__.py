"""Tests of the talking copies of stills."""
