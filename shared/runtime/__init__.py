"""What every process needs beneath its work: child processes, logs and traces."""
