"""Redis: connections, key names, and the embedded server."""
