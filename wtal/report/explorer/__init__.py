"""Single videos and what goes wrong in them, as the page shows them."""
