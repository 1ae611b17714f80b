"""What a model is: its folder and its recipe."""
