"""What it costs: `scripts/bench video` and `scripts/bench stream`."""
