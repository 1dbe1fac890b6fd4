"""Exports of annotation tools: Label Studio, CVAT, ELAN, BORIS and VIA."""
