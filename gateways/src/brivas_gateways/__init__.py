"""Brivas' faces towards callers, and the process that hosts the engine."""
