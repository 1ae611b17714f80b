"""Pseudo-labels from teacher networks."""
