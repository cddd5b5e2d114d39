"""Payment records: archived for seven years, provably, then gone (policy 3.2).

The engine (`columns`, `stream`, `digest`, `extract`, `parquet_file`, `compare`, `remove`) moves rows between PostgreSQL
and Parquet and knows neither Airflow nor plans. It imports pyarrow, so tasks import it where they use it.
"""
