"""Evaluators of the tensor IR: balls, error bounds, magnitudes."""
