"""Kept studies and their exports."""
