"""Drills: what must work on a bad day, done on an ordinary one, on servers of their own that are thrown away."""
