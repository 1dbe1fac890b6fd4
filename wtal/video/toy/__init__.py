"""Made-up videos of moving shapes, to run everything from a video file on; made-up video, not a benchmark."""
