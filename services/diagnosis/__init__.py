"""Checks of `duygu doctor` for what lies outside this machine, and for its clock and its GPU."""
