"""RQ worker: takes jobs, drives the engine, writes results and events."""
