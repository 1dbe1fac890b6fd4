"""Methods that are no module here: a command that is run once a round."""
