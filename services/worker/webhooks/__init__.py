"""The task that delivers webhooks."""
