"""Dagster assets, one per table, a few lines each: read, call the library, return. Loaded by risk_pipeline.definitions."""
