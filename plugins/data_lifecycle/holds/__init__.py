"""Legal holds in the store: every version of what is rightly held is flagged, what is not any more is let go."""
