"""Tests of the training of movements."""
