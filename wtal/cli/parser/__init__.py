"""The parser of the command line: commands in groups, the word that was meant, and completion in a shell."""
