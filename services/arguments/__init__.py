"""The arguments of each command, and what it calls with them."""
