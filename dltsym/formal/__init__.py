"""Export of proofs to Coq, and replay of what was exported: the grade ``formal``."""
