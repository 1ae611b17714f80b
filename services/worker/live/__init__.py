"""The task that serves live sessions."""
