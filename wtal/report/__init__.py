"""Tables, figures and the report page, made from files and nothing else."""
