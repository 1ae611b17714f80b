"""Tables of a study and their code book."""
