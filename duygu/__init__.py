"""Duygu from Python: `duygu.client` talks to a service."""
