"""Metrics, calibration, evaluation protocols, reports."""
