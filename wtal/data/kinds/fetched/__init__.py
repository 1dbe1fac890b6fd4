"""Recordings that their makers publish as files, fetched by manifest, and read in the layout that they have there."""
