"""Derivations at the prompt: declare names, state hypotheses, and every step is checked when it is written.

Nothing here decides anything: statements are read by `dltsym.notation`, facts come through `dltsym.prove.facts`, and
verdicts come from `dltsym.prove.decide`. The package is not called ``calc``, because importing a submodule of that
name would replace the public function `dltsym.calc`.
"""
