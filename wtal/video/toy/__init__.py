"""Made-up videos of moving shapes, to run everything from a video file on; no benchmark."""
