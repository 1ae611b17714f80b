"""Jobs: their records, events, queues and quotas in Redis."""
