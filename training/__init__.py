"""From recordings to a model folder: prepare, train, calibrate, evaluate, export."""
