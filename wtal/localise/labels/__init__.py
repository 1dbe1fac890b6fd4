"""From segments to pseudo labels, a label maker a file, and the labels of a round with the file that holds them."""
