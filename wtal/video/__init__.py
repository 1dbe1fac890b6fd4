"""From a video file to snippets and their features; av, cv2 and torch are imported where they are used alone."""
