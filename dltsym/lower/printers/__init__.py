"""The tensor IR as text: one file per backend."""
