"""Detections in the forms of players and annotation tools."""
