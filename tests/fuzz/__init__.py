"""Untrusted input, mutated at random: `scripts/fuzz`. A short run of each target is in the suite."""
