"""From the crops of a face to emotions."""
