"""Numbers as text: tables in Markdown, LaTeX and CSV."""
