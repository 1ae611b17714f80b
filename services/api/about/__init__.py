"""What the service says of itself: its limits and its model."""
