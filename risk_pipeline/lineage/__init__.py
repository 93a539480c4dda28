"""Where figures come from: hashes, rows, columns."""
