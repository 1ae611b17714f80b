"""Workers that follow a script or take their time."""
