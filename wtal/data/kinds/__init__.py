"""The kinds of data set, and the one function that prepares any of them."""
