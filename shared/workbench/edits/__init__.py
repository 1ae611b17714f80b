"""Edits of a result: names, merged, split and excluded faces, as a layer over the computed result."""
