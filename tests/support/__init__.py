"""Helpers of several tests: synthetic videos, servers, workers, browsers."""
