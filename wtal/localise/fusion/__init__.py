"""From overlapping proposals to segments."""
