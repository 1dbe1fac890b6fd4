"""NumPy's files of all kinds, read without running or loading what they hold: pickled arrays, mapped arrays."""
