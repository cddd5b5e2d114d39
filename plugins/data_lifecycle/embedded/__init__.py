"""Real servers from wheels: PostgreSQL, an S3 store and Airflow's components, on loopback, without Docker.

Used by ``./lifecycle up`` and, for PostgreSQL and the store, by the tests. Production brings its own servers.
"""
