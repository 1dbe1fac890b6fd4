"""What was found in a video, shown in it."""
