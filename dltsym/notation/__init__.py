"""How mathematics is written: trees, scopes, text, LaTeX, derivatives and the bridge to SymPy."""
