"""Dagster asset checks: the gates of risk_pipeline.gates, one blocking check per stage. Loaded by risk_pipeline.definitions."""
