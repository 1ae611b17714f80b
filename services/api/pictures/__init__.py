"""The call for single pictures."""
