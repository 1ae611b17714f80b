"""The model: its folder, its recipe and the choice of labels."""
