"""The named protocols, a file each: what each does with bounds before the one matching, and with precision after it."""
