"""Download by manifest: addresses, sums, and files that a person must fetch."""
