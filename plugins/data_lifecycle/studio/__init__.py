"""The studio: its database schema, and a believable one to try things on."""
