"""The documentation, and what writes the pages of it that follow from the code."""
