"""A user's own data: inspected at the door, and a suite written for it."""
