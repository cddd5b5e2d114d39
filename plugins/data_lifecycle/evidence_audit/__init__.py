"""The evidence audit: looks again at what was attested, and at the log that attests it (policy 3.1, 3.2)."""
