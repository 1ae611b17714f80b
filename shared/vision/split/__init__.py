"""Analysis of a long video in parts, and the joining of their results."""
