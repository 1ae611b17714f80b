"""`/v1/stream`: the websocket of live sessions."""
