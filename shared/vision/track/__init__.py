"""Face tracking: association of the detections of successive frames."""
