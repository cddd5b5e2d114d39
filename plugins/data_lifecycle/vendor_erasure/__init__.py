"""Erasure at vendors: what they got is asked back, followed, looked for, and said only as far as it is known."""
