"""The feature store: one file of features, tidy tables, and checksums of both."""
