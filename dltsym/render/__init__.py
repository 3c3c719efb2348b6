"""Views of a record: LaTeX, plain text, HTML, bibliography, Sphinx pages. Nothing is decided here."""
