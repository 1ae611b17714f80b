"""The threads of a live worker that answer single pictures."""
