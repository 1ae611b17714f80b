"""One colour for each emotion, told apart with every common kind of colour vision. The pages use the same."""

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
    """`#rrggbb`; that of `other` for a label that only another model knows."""
    return PALETTE.get(emotion, PALETTE["other"])
