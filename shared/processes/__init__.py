"""Child processes: starting, ending, and the end of their stderr."""
