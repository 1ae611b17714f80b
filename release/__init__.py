"""Building and checking a release: `scripts/release`, `scripts/audit`."""
