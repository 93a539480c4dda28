"""Dagster glue: contracts become asset specs, a Run becomes a resource, settings become a schedule. Rules live elsewhere.

Empty on purpose: `periods`, `workspaces` and `home` are used by the command line before Dagster is imported.
"""
