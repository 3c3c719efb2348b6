"""Formats, total errors, tolerances: every pair of values has an error, and too wide a tolerance never passes."""

import numpy as np
import pytest
import torch

from dltsym.errors import UnknownKey
from dltsym.oracle.formats import FORMATS, full_name, rounded, ulp
from dltsym.oracle.metrics import compare, compare_exactly, distance, ulps

INF, NAN = float("inf"), float("nan")
DTYPES = tuple(FORMATS)


@pytest.mark.parametrize("dtype", DTYPES)
def test_rounding_is_that_of_torch(dtype: str) -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([
        rng.standard_normal(2000) * np.exp(rng.uniform(-100, 88, 2000)), 2.0 ** rng.integers(-149, 127, 500) * 1.5,
        [0.0, -0.0, INF, -INF, 65504, 65519.9, 65520, 3.3895e38, 3.4e38, 1e39, 1 + 2.0**-8, 1 + 3 * 2.0**-8],
    ])  # fmt: skip
    with np.errstate(over="ignore"):
        x = x.astype(np.float32).astype(float)  # torch casts from float32 in one rounding
    expected = torch.from_numpy(x).float().to(getattr(torch, dtype)).double().numpy()
    assert np.array_equal(rounded(x, dtype), expected)


def test_float64_is_rounded_once() -> None:
    between = 1 + 2.0**-8 + 2.0**-40  # over float32 it would first become a tie
    assert float(rounded(between, "bf16")) == 1 + 2.0**-7


@pytest.mark.parametrize("dtype", DTYPES)
def test_ulp_is_the_spacing(dtype: str) -> None:
    fmt = FORMATS[dtype]
    assert float(ulp(1.0, dtype)) == 2 * fmt.unit
    assert float(ulp(np.nextafter(1.0, 0), dtype)) == fmt.unit
    assert float(ulp(0.0, dtype)) == float(ulp(fmt.normal, dtype)) == fmt.subnormal
    assert float(ulp(INF, dtype)) == float(ulp(fmt.largest, dtype))


def test_unknown_types_are_errors() -> None:
    assert full_name("bf16") == "bfloat16"
    with pytest.raises(UnknownKey, match="f8"):
        full_name("f8")


@pytest.mark.parametrize(
    ("got", "expected", "error"),
    [
        (NAN, NAN, 0), (NAN, 1, INF), (1, NAN, INF), (INF, INF, 0), (-INF, INF, INF), (1, INF, INF), (NAN, INF, INF),
        (0.0, -0.0, 0), (1 + 2.0**-23, 1, 1), (1 - 2.0**-24, 1, 0.5), (2.0**-149, 0, 1), (0, 2.0**-149, 1),
        (INF, FORMATS["float32"].largest, 1), (INF, 1e39, 0), (-INF, 1e39, INF), (2.0**-126, 2.0**-126 + 2.0**-149, 1),
    ],
)  # fmt: skip
def test_every_pair_has_an_error(got: float, expected: float, error: float) -> None:
    found = float(ulps(np.array(got), np.array(expected), "float32"))
    assert found == error or (error == INF and found > 1e6)
    assert not np.isnan(distance(np.array(got), np.array(expected), "float32")).any()


def test_flush_to_zero_is_no_error_only_where_it_is_allowed() -> None:
    small = np.array(2.0**-130)
    assert float(ulps(np.array(0.0), small, "float32")) > 0
    assert float(ulps(np.array(0.0), small, "float32", ftz=True)) == 0
    assert float(ulps(np.array(0.0), np.array(2.0**-126), "float32", ftz=True)) > 0


def test_one_entry_beyond_its_tolerance_fails() -> None:
    true, limit = np.ones(100), np.full(100, 1e-6)
    good, bad = true + 0.9e-6, true.copy()
    bad[37] += 1.1e-6
    assert compare("y", good, true, limit, "float32").verdict == "pass"
    found = compare("y", bad, true, limit, "float32")
    assert (found.verdict, found.place) == ("fail", (37,))
    assert found.ratio == pytest.approx(1.1, rel=1e-3)


@pytest.mark.parametrize("limit", [0.2, INF, NAN])
def test_a_tolerance_that_sees_nothing_never_passes(limit: float) -> None:
    true = np.ones(4)
    assert compare("y", true, true, np.full(4, limit), "float32").verdict == "ill"
    assert compare("y", np.full(4, NAN), true, np.full(4, limit), "float32").verdict == "fail"


def test_a_reference_that_is_not_known_well_enough_decides_nothing() -> None:
    true, limit = np.ones(3), np.full(3, 1e-6)
    assert compare("y", true + 2e-6, true, limit, "float32", radius=np.full(3, 5e-6)).verdict == "ill"
    assert compare("y", true + 2e-6, true, limit, "float32", radius=np.full(3, 1e-7)).verdict == "fail"


def test_the_rest_of_a_reference_below_float64_counts() -> None:
    true, tail = np.ones(1), np.full(1, 1e-17)
    found = compare("y", true, true, np.full(1, 1e-16), "float64", radius=np.full(1, 2e-17), tail=tail)
    assert found.verdict == "pass"


@pytest.mark.parametrize(("got", "verdict"), [([1, 2, 3], "pass"), ([1, 3, 2], "fail"), ([1, NAN, 3], "fail")])
def test_integers_must_agree(got: list[float], verdict: str) -> None:
    assert compare_exactly("index", np.array(got, float), np.array([1.0, 2, 3])).verdict == verdict


def test_explained_integers_are_ties() -> None:
    found = compare_exactly("index", np.array([1.0, 3]), np.array([1.0, 2]), np.array([False, True]))
    assert (found.verdict, found.ties) == ("pass", 1)


def test_shapes_must_agree() -> None:
    assert compare("y", np.ones((2, 1)), np.ones(2), np.ones(2), "float32").verdict == "fail"


def test_signed_zeros_are_counted_and_are_no_error() -> None:
    found = compare("y", np.array([0.0, 1]), np.array([-0.0, 1]), np.full(2, 1e-9), "float32")
    assert (found.verdict, found.zeros, found.ratio) == ("pass", 1, 0)


def test_bias_and_z_are_in_standard_deviations() -> None:
    true, sigma = np.ones(1000), np.full(1000, 1e-6)
    found = compare("y", true + 2e-6, true, np.full(1000, 1e-5), "float32", sigma=sigma)
    assert (found.bias, found.z) == (pytest.approx(2, rel=1e-6), pytest.approx(2, rel=1e-6))
