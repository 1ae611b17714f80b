"""Face detection: MTCNN on ONNX Runtime."""
