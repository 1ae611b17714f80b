"""Face tracking: detections of successive frames joined into tracks."""
