"""Resumable uploads: their records in Redis, for all API processes together."""
