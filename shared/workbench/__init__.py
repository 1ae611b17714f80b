"""What people do with a result: edits, labels and their agreement, studies."""
