"""Architectures, pretraining and inference."""
