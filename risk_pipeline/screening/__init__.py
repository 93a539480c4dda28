"""Name screening: names made comparable, matched as sets, and the evidence weighed. No database and no files of a workspace."""
