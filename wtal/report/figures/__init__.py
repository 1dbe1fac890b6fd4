"""Figures of a suite: bars, curves, timelines, clips."""
