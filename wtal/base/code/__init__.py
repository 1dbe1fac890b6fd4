"""What code is made of, so that a result is known by the code that made it."""
