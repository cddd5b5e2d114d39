"""The photo purge: policy 3.2, personal photos and style references."""
