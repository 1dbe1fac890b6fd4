"""Words that all the rest is written in: errors, files, settings, records, digests; nothing here knows a video."""
