"""Analysis of a long film in parts, and the joining of their results."""
