"""Generated ledgers and evidence: a demo that tells stories, and bulk data for the bench.

Put here: what writes files that look like an ERP export, the feed YAML that reads them, and the ground truth beside them.
Keep out: anything that reads feeds or assesses customers; the generator knows the contracts only by the names in its YAML.
"""
