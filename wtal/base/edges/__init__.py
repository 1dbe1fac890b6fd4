"""What comes in and goes out: bounded readers of bytes, JSON, YAML and arrays, and which paths may be written."""
