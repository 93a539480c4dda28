"""Factors: one SQL file per factor table, and catalogue.yaml, which says what every factor is. Loader: catalogue.py."""
