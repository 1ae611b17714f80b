"""`/v1/stream`: the WebSocket of live sessions."""
