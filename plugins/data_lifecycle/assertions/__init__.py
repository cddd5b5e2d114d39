"""Assertions: Great Expectations on what was observed."""
