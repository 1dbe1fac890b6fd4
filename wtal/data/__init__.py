"""Data sets: from manifests and raw recordings to a memory-mapped feature store and tidy annotations."""
