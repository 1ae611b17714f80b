"""Links to videos, and fetching them."""
