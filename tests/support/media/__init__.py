"""Synthetic pictures and videos, and detectors for them."""
