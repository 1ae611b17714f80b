"""Child processes that die, echo or hang."""
