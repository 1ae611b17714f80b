"""The labels of the models."""

EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""Every label that a model can have, in the order of its outputs."""

NEUTRAL = "neutral"
"""The label that is not an emotion; `DUYGU_NEUTRAL=off` removes it."""

OTHER = "other"
"""The label that combines all labels a client did not select."""
