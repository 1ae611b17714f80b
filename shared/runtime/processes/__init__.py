"""Child processes: starting, stopping, and the last lines of their stderr."""
