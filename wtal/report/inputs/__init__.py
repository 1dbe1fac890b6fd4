"""What the report reads: the plan, metrics, truth, provenance."""
