"""The report page: one file that needs no other."""
