"""One file through the engine and through other pipelines: the footage, the timing and the profile."""
