"""Training of the network for facial movements, head pose and speaking on the output of MediaPipe's face landmarker."""
