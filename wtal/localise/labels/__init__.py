"""From segments to pseudo labels, a label maker a file: naive labels, and solutions of a linear programme."""
