"""Evidence: signed statements about what was observed."""
