"""A run of training: its recipe, its folder, its command line."""
