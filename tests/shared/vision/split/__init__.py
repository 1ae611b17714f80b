"""Films in parts."""
