"""Drives a network through rounds: optimiser, chance, resume, early stopping, scores."""
