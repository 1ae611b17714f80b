"""Baselines of a person: their windows, and the answers relative to them. Without numpy, for the API."""
