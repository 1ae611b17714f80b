"""Connections to addresses that a client names."""
