"""The SQL engine: as-of views over the feed store and the factor SQL that runs on them. Keep out: Dagster, decisions."""
