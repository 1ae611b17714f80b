"""Emotion classification: crops, clips and the network."""
