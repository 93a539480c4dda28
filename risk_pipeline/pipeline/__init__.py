"""The work of the command line and of Dagster, free of both: ingest, assess, publish, explain. Keep out: Dagster, rendering."""
