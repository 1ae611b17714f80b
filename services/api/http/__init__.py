"""HTTP semantics: problems, ranges, ETags, content negotiation, headers."""
