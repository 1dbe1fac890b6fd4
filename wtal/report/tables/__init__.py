"""Tables of a suite, and how numbers are set."""
