"""What is often meant otherwise: each lint is one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def lints(n: int, m: int, d: int, eps: torch.Tensor, marginal: str, causal: bool) -> tuple[str, ...]:
    """Say what looks like a mistake in a call of Sinkhorn attention.

    A temperature on an accelerator is not looked at. Two slips leave no trace in a call: taking the weights, whose rows
    sum to 1, for the plan, which is a_i times them, happens to the result; and a cost of |q - k|^2 in place of half of
    it is a factor of 2 in the temperature, which may be meant.

    Parameters
    ----------
    n, m, d : int
        Queries, keys, length of a query.
    eps : Tensor
        Temperature.
    marginal : str
        ``balanced`` or ``relaxed``.
    causal : bool
        Whether there is a mask.

    Returns
    -------
    tuple of str
    """
    found = []
    if causal and marginal == "balanced" and n > 1:
        found.append(
            "causal and balanced is degenerate: the only lower triangular doubly stochastic matrix is the identity, "
            f"and after k full iterations the rows are still off by about {(n - 1) / 2:g}/k; use rho < inf"
        )
    if causal and m < n:
        found.append(f"the first {n - m} queries see no key: their output is 0 and their potential +inf")
    if eps.device.type != "cpu" or d == 1:
        return tuple(found)
    values = eps.detach().double()
    for value, sentence in (
        (d**-0.5, "eps = 1/sqrt(d) multiplies the scores by sqrt(d); dividing them by it is eps = sqrt(d)"),
        (float(d), "eps = d divides the scores by sqrt(d) twice; scores of scaled queries take eps = sqrt(d) once"),
    ):
        if bool(((values / value - 1).abs() < 1e-5).any()):
            found.append(sentence)
    return tuple(found)
