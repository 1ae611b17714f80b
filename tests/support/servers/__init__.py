"""Servers and proxies that misbehave on request, and programs that receive."""
