"""Benchmarks of speed, memory and accuracy: `scripts/bench`."""
