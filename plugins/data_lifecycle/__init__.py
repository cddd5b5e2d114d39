"""Data lifecycle: pipelines that make a published privacy policy true, and prove it."""
