"""Labels of people for the faces of a result: their formats, the choice of moments to label, and agreement."""
