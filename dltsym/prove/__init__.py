"""The checker: problems, engines, certificates of failure, grades."""
