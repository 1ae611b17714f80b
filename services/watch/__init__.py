"""`duygu watch`: sends cameras and streams to live sessions and writes their results."""
