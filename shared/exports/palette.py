"""Colours of the emotions, distinguishable with all common kinds of colour vision. The pages use the same colours."""

PALETTE = {
    "anger": "#ea536b",
    "disgust": "#4e6f06",
    "fear": "#934e78",
    "happiness": "#f4b740",
    "sadness": "#3c6ae6",
    "surprise": "#4cc5ff",
    "neutral": "#a8b2b1",
    "other": "#6f7680",
}


def colour_of(emotion: str) -> str:
    """Colour of an emotion as `#rrggbb`; the colour of `other` for an unknown label."""
    return PALETTE.get(emotion, PALETTE["other"])
