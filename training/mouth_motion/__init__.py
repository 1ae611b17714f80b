"""Talking copies of stills: the motion of mouths of people who talk, put onto labelled photographs."""
