"""What results become for the trackers of experiments that others keep."""
