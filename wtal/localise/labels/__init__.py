"""From segments to pseudo labels: naive, or as the solution of a linear programme."""
