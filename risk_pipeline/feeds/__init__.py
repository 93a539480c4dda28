"""Feeds: from any file of any system to canonical, checked rows; what cannot be read is named with file, line and column."""
