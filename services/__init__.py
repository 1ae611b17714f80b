"""The programs that people run: the HTTP API, the workers and the command line."""
