"""Wiring: the engine, the store, Dagster. No word of health or care stands here."""
