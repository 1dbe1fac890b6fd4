"""Matching, precision, protocols and uncertainty: arrays in, records out."""
