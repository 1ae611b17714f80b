"""Tests of the checks of `duygu doctor`, against real counterparts."""
