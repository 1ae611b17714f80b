"""Videos in parts."""
