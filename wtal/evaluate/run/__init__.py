"""The numbers of one run of a suite, from its files."""
