"""Exports of studies: the ZIP of the tables of `duygu study`."""
