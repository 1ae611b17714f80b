"""Live sessions: what goes over the socket, and what Redis keeps of them."""
