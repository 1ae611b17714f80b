"""Model Context Protocol: assistants analyse videos and read results through tools (`duygu mcp`)."""
