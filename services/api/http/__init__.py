"""HTTP semantics: problems, byte ranges, ETags, content negotiation, security headers."""
