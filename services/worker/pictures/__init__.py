"""The threads of a live worker that analyse single pictures."""
