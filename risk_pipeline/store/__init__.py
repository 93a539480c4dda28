"""Where state lives: the lake of Parquet files, the register, the catalogue analysts open, the workspace lock.

Put here: how things are stored, found, published and locked. Keep out: what the rows mean (feeds, factors, decision).
"""
