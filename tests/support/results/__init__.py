"""Results, labels and stored jobs without an analysis."""
