"""Commands of `duygu`."""
