"""`wtal run`: Snakemake for a suite with a view of what runs; and what earlier runs measured, for `wtal plan` too."""
