"""Commands that read video files."""
