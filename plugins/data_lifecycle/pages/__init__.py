"""Compliance pages inside Airflow's UI: server-rendered, read-only but for a person's note, without personal data."""
