"""Statistics over participants: bootstrap, time courses, permutation tests."""
