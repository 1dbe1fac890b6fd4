"""Base networks: a batch of videos in, losses and scores out."""
