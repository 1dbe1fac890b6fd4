"""Where the errors of a system lie: kinds, characteristics, sensitivity."""
