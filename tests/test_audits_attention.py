"""Every printed claim about attention and particles that was called doubtful has an audit, and its verdict stands."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from dltsym.catalogue import load
from dltsym.prove.audit import NOT_MATHEMATICS, check_audit
from dltsym.record import Audit, Theorem

Record = Theorem | Audit

LABELS = {
    "A-N1": ("note_one_sided",),
    "A-N2": ("note_paper_identity",),
    "A-N3": ("note_mensch_blondel",),
    "A-N4": ("note_half_iteration",),
    "A-N5": (
        "note_sinkhorn_degree",
        "note_sinkhorn_axis",
        "note_sinkhorn_code",
        "note_sinkhorn_targets",
        "note_sinkhorn_overflow",
        "note_sinkhorn_shapes",
        "note_double_temperature",
        "note_sinkhorn_guards",
        "note_sinkhorn_memory",
    ),
    "A-N6": ("note_zero_temperature",),
    "A-N7": ("note_sparsity",),
    "A-N8": ("note_suggested_temperature",),
    "A-N9": ("note_mckean_vlasov",),
    "A-N10": ("note_finite_attractors",),
    "A-N11": ("note_clustering_metric",),
    "A-N12": ("note_kuramoto",),
    "A-N13": ("note_bulletin",),
    "A-N14": ("note_transpose",),
    "A-N15": ("note_attention_memory",),
    "A-P1": ("halfway_bound_range",),
    "A-P2": ("halfway_bound_one_token",),
    "A-P3": ("triangle_constant",),
    "A-P4": ("high_dim_vacuous", "static_energy"),
    "A-P5": ("notebook_overshoot",),
    "A-P6": ("time_scale_constant",),
    "A-P7": ("metastability_signs",),
    "A-P8": ("entropy_sign", "temperature_inverse", "entropy_double_sign"),
    "A-P9": ("gradient_factor",),
    "A-S1": ("pot_kernel_domain", "pot_reg_type"),
    "A-S2": ("sinkformer_half", "sinkformer_gradient"),
    "A-S3": ("entmax_sign", "entmax_alpha_one", "entmax_limits"),
    "A-S4": ("flash_zero_plan", "flash_half_cost", "flash_defaults"),
    "A-S5": ("transport_issues",),
    "A-S6": ("masked_row", "flex_attention"),
    "A-S7": ("twenty_iterations",),
}
KEYS = [f"audits.{name}" for names in LABELS.values() for name in names]


@pytest.fixture(scope="module")
def entries() -> Mapping[str, Record]:
    """Return every record by key, read once."""
    return load().records


def test_every_label_has_an_audit(entries: Mapping[str, Record]) -> None:
    wanted = {f"A-N{k}" for k in range(1, 16)} | {f"A-P{k}" for k in range(1, 10)} | {f"A-S{k}" for k in range(1, 8)}
    assert set(LABELS) == wanted
    assert len(set(KEYS)) == len(KEYS)
    assert set(KEYS) <= set(entries)


@pytest.mark.parametrize("key", KEYS)
def test_verdict_is_confirmed(key: str, entries: Mapping[str, Record]) -> None:
    audit = entries[key]
    assert isinstance(audit, Audit)
    report = check_audit(audit)
    assert report.problems == ()
    assert report.verdict == audit.verdict
    assert audit.verdict in NOT_MATHEMATICS or (audit.values and "its left side" in report.witness)
    assert set(audit.see) <= set(entries)
