"""Whole families of relations that several theorems share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dltsym.operators import Law, Relation
from dltsym.relations.calls import adds, split
from dltsym.relations.changes import duplicated, filled, later, padded, permuted, scaled, shifted
from dltsym.relations.laws import euler, gradient_shift, sums_to, within


def softmax_average(
    query: str, key: str, value: str, temperature: str, prior: str, distance: str, results: tuple[str, str, str]
) -> tuple[Relation | Law, ...]:
    """Return what holds for softmax averages of values with a log prior of each key, whatever computes them.

    A mode ``causal`` hides the keys after a query, both aligned at their ends. Relations between keys need that nothing
    depends on their places, and sums over rows that every row sees a key.

    Parameters
    ----------
    query, key, value : str
        Inputs of shapes (n, d), (m, d), (m, c).
    temperature : str
        Input that divides the scores.
    prior : str
        Input (m,) that is added to them afterwards; -inf hides a key.
    distance : str
        Input that makes scores depend on places.
    results : tuple of str
        Averages (n, c), log-sum-exps (n,) and entropies (n,).

    Returns
    -------
    tuple of Relation or Law

    Examples
    --------
    >>> len(softmax_average("q", "k", "v", "tau", "lp", "slope", ("o", "lse", "entropy")))
    14
    """
    o, lse, entropy = results

    def placeless(x: Mapping[str, Any], modes: Mapping[str, Any]) -> bool:
        return not modes.get("causal") and distance not in x

    def causal(x: Mapping[str, Any], modes: Mapping[str, Any]) -> bool:
        return bool(modes.get("causal"))

    def seen(x: Mapping[str, Any], modes: Mapping[str, Any]) -> bool:
        open_keys = prior not in x or bool((x[prior] > -math.inf).all())
        return open_keys and (not modes.get("causal") or x[query].shape[-2] <= x[key].shape[-2])

    places = {key: -2, value: -2, prior: -1}
    hidden = {key: (-2, 7.0), value: (-2, 7.0), prior: (-1, -math.inf)}
    most = lambda x, out: math.log(x[key].shape[-2])  # noqa: E731
    return (
        shifted(prior, 300, {lse: 300}),
        shifted(prior, -300, {lse: -300}),
        permuted(places, when=placeless),
        scaled({query: 2, temperature: 2}, exact=True),
        filled({value: 1}, {o: 1}, when=seen),
        adds(value, o),
        later({key: -2, value: -2}, {o: -2, lse: -1, entropy: -1}, when=causal),
        padded(hidden, when=placeless),
        duplicated(places, prior, only=(o, lse), when=placeless),
        split(places, lse, [o], columns=[o], when=placeless),
        within(entropy, 0, most),
        euler({query: 1, key: -1}),
        euler({query: 1, temperature: 1}),
        gradient_shift(prior, {lse: 1}, when=seen),
    )


def transport_average(
    arrays: tuple[str, str, str], temperature: str, weights: tuple[str, str], results: tuple[str, str, str, str]
) -> tuple[Relation | Law, ...]:
    """Return what holds for averages of values under a transport plan, however many half-steps it takes.

    A mode ``causal`` hides the keys after a query, both aligned at their ends. A mode ``marginal`` that is "relaxed"
    makes results depend on the temperature itself. Both marginals are made to sum to 1.

    Parameters
    ----------
    arrays : tuple of str
        Queries (n, d), keys (m, d) and values (m, c).
    temperature : str
        Input that divides the scores.
    weights : tuple of str
        Log weights of queries (n,) and of keys (m,); -inf hides one.
    results : tuple of str
        Averages (n, c), potentials of rows (n,) and of columns (m,), and masses of columns (m,).

    Returns
    -------
    tuple of Relation or Law

    Examples
    --------
    >>> len(transport_average(("q", "k", "v"), "eps", ("la", "lb"), ("o", "row", "column", "mass")))
    10
    """
    (query, key, value), (rows, columns), (o, row, column, mass) = arrays, weights, results

    def placeless(x: Mapping[str, Any], modes: Mapping[str, Any]) -> bool:
        return not modes.get("causal")

    return (
        shifted(columns, 300),
        shifted(rows, -300),
        filled({value: 1.0}, {o: 1.0}),
        sums_to(mass, 1.0),
        permuted({query: -2, rows: -1}, {o: -2, row: -1}, when=placeless),
        permuted({key: -2, value: -2, columns: -1}, {column: -1, mass: -1}, when=placeless),
        scaled({query: 2, temperature: 2}, exact=True, when=lambda x, modes: modes.get("marginal") != "relaxed"),
        euler({query: 1, key: -1}),
        gradient_shift(rows),
        gradient_shift(columns),
    )
