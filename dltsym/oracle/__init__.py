"""The oracle: holds any kernel against a theorem, with tolerances that follow from both."""
