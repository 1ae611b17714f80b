"""Emotion analysis of videos: decoding, face detection, tracking and classification, independent of Redis and HTTP."""
