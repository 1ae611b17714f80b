"""Baselines of a person: their windows, and the predictions relative to them. Without numpy, for the API."""
