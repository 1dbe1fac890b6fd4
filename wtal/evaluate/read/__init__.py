"""Every published form of detections and of ground truth, read into one."""
