"""Sharpness of attention in arrays and files, the temperature rule, and their verbs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from dltsym.cli import main
from dltsym.errors import DomainError, DTypeError, ShapeError, UnknownKey
from dltsym.systems.sharpness import attention_sharpness, score_bounds
from dltsym.systems.temperature import choose_temperature, gaps
from dltsym.systems.tensorfiles import open_tensor

S5 = np.array([2, 1.2, 0.9, -0.4, 0])


def softmax(s: Any) -> Any:
    e = np.exp(s - s.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def heads(*shape: int) -> Any:
    return softmax(3 * np.random.default_rng(3).standard_normal(shape))


# Arrays


def test_published_numbers_of_one_row() -> None:
    found = attention_sharpness(softmax(S5 / 0.3)[None])
    assert found.entropy[0] == pytest.approx(0.356870498357899, rel=1e-13)
    assert found.entropy_bound[0] == pytest.approx(0.420381090957182, rel=1e-13)
    assert found.miss[0] == pytest.approx(0.0881346002173114, rel=1e-13)
    said = score_bounds(S5, 0.3)
    assert said["miss_lower"] == pytest.approx(0.0649691691286641, rel=1e-13)
    assert said["miss_upper"] == pytest.approx(0.217486855600371, rel=1e-13)
    assert attention_sharpness(softmax(np.log([[9.0, 1, 1, 1]]))).from_uniform[0] == pytest.approx(0.5)


def test_measures_agree_with_their_definitions_and_bounds() -> None:
    A = heads(2, 3, 5, 7)
    found = attention_sharpness(A)
    assert found.entropy == pytest.approx(-(A * np.log(A)).sum(-1), rel=1e-12)
    assert found.miss == pytest.approx(1 - A.max(-1), abs=1e-15)
    assert found.from_uniform == pytest.approx(np.abs(A - 1 / 7).sum(-1) / 2)
    assert (found.entropy <= found.entropy_bound + 1e-15).all()
    assert attention_sharpness(A.swapaxes(-1, -2), axis=-2).entropy == pytest.approx(found.entropy)
    assert not found.bad_rows()


def test_one_hot_uniform_one_key_and_tiny_weights() -> None:
    A = np.array([[1, 0, 0, 0], [0.25] * 4, [1 - 1e-300, 1e-300, 0, 0], [0.5, 0.5, 0, 0]])
    found = attention_sharpness(A)
    assert found.effective_keys == pytest.approx([1, 4, 1, 2])
    assert found.entropy_bound[:2] == pytest.approx([0, np.log(4)])
    assert attention_sharpness([[1.0], [1.0]]).entropy.tolist() == [0, 0]


def test_causal_rows_are_held_against_the_keys_they_see() -> None:
    A = np.tril(np.ones((5, 5))) / np.arange(1, 6)[:, None]
    found = attention_sharpness(A, mask="causal")
    assert found.from_uniform == pytest.approx(np.zeros(5))
    assert found.entropy_bound == pytest.approx(np.log(np.arange(1, 6)), abs=1e-12)
    A[1] = 1 / 5
    assert attention_sharpness(A, mask="causal").bad_rows() == [((1,), "mass on a hidden key")]


def test_bad_rows_are_told_by_their_index() -> None:
    A = heads(2, 4, 6)
    A[0, 1, 2], A[0, 3] = np.nan, 0
    A[1, 0, 5], A[1, 2], A[1, 3, 0] = np.inf, 1.01 * A[1, 2], -0.1
    found = attention_sharpness(A)
    assert found.bad_rows() == [
        ((0, 1), "not a number"), ((0, 3), "sees no key"), ((1, 0), "infinite"), ((1, 2), "does not sum to 1"),
        ((1, 3), "negative"),
    ]  # fmt: skip
    assert np.isnan(found.entropy[0, 1])
    assert np.isfinite(found.entropy[found.reason == 0]).all()
    assert [row["bad"] for row in found.table()] == [2, 3]
    assert found.bad_rows(1) == found.bad_rows()[:1]


def test_the_column_softmax_and_the_plan_are_rejected() -> None:
    A = softmax(np.random.default_rng(1).standard_normal((6, 9)).T).T  # columns sum to 1
    assert len(attention_sharpness(A).bad_rows()) == 6
    assert len(attention_sharpness(heads(6, 9) / 6).bad_rows()) == 6
    assert len(attention_sharpness(np.zeros((6, 9))).bad_rows()) == 6


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_rounding_to_a_type_is_no_fault(dtype: Any) -> None:
    A = heads(4, 64, 512)
    found = attention_sharpness(A.astype(dtype))
    assert not found.bad_rows()
    assert found.entropy == pytest.approx(attention_sharpness(A).entropy, abs=5e-3 if dtype == np.float16 else 1e-5)
    assert len(attention_sharpness((A * 1.02).astype(dtype)).bad_rows()) == 4 * 64


@pytest.mark.parametrize(
    ("call", "error"),
    [(lambda: attention_sharpness([0.5, 0.5]), ShapeError), (lambda: attention_sharpness(np.ones((2, 0))), ShapeError),
     (lambda: attention_sharpness([["a"]]), DTypeError), (lambda: attention_sharpness([[1j]]), DTypeError),
     (lambda: attention_sharpness([[1.0]], axis=0), DomainError),
     (lambda: attention_sharpness([[1.0]], tol=0), DomainError),
     (lambda: attention_sharpness([[1.0]], mask="casual"), UnknownKey), (lambda: score_bounds([1.0], 0), DomainError),
     (lambda: attention_sharpness([[1.0], [0.5, 0.5]]), ShapeError)],
)  # fmt: skip
def test_what_does_not_fit_is_told(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        call()


# Files


def test_numpy_files_are_read_head_by_head(tmp_path: Path) -> None:
    A = heads(3, 2, 8, 10)
    np.save(tmp_path / "a.npy", A)
    np.savez(tmp_path / "b.npz", one=A, two=np.asfortranarray(A))
    np.savez_compressed(tmp_path / "c.npz", only=A.astype(np.float32))
    want = attention_sharpness(A).entropy
    assert (attention_sharpness(tmp_path / "a.npy").entropy == want).all()
    assert (attention_sharpness(tmp_path / "b.npz", name="one").entropy == want).all()
    assert attention_sharpness(str(tmp_path / "b.npz"), name="two").entropy == pytest.approx(want)
    assert attention_sharpness(tmp_path / "c.npz").entropy == pytest.approx(want, rel=1e-5)
    blocks = open_tensor(tmp_path / "a.npy").blocks()
    assert next(blocks).shape == (8, 10)


def test_a_file_of_a_whole_model_is_not_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "big.npy"
    data = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=(32, 32, 512, 512))  # sparse on disk
    data[31, 31] = heads(512, 512)
    data.flush()
    file = open_tensor(path)
    assert file.shape == (32, 32, 512, 512)
    assert next(file.blocks()).sum() == 0


def test_safetensors_of_numpy(tmp_path: Path) -> None:
    save = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed").save_file
    A = heads(2, 3, 4, 5)
    save(
        {"f64": A, "f32": A.astype(np.float32), "f16": A.astype(np.float16), "ints": np.arange(4)},
        tmp_path / "x.safetensors",
    )
    want = attention_sharpness(A)
    for name, close in (("f64", 1e-15), ("f32", 1e-6), ("f16", 5e-3)):
        found = attention_sharpness(tmp_path / "x.safetensors", name=name)
        assert found.entropy == pytest.approx(want.entropy, abs=close)
    with pytest.raises(DTypeError, match="I64"):
        open_tensor(tmp_path / "x.safetensors", "ints")
    with pytest.raises(UnknownKey, match=r"f16.*Did you mean|f16"):
        open_tensor(tmp_path / "x.safetensors", "f61")
    with pytest.raises(UnknownKey, match="several"):
        open_tensor(tmp_path / "x.safetensors")


def test_safetensors_of_torch_in_bfloat16(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    save = pytest.importorskip("safetensors.torch", reason="safetensors is not installed").save_file
    A = torch.tensor(heads(2, 8, 100)).to(torch.bfloat16)
    save({"a": A, "e": torch.zeros(0, 2, 3)}, str(tmp_path / "y.safetensors"))
    found = attention_sharpness(tmp_path / "y.safetensors", name="a")
    assert not found.bad_rows()
    block = next(open_tensor(tmp_path / "y.safetensors", "a").blocks())
    assert (block == A[0].double().numpy()).all()
    assert attention_sharpness(tmp_path / "y.safetensors", name="e").reason.shape == (0, 2)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"not a tensor at all", b"\x93NUMPY\x01\x00"])
def test_broken_files_are_told(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(content)
    with pytest.raises(DomainError, match=r"x\."):
        open_tensor(path)


def test_files_that_are_cut_off_or_of_another_kind(tmp_path: Path) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}).encode()
    (tmp_path / "x.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    with pytest.raises(DomainError, match="cut off"):
        open_tensor(tmp_path / "x.safetensors")
    np.save(tmp_path / "o.npy", np.array([None]), allow_pickle=True)
    with pytest.raises(DomainError, match=r"o\.npy"):
        open_tensor(tmp_path / "o.npy")
    with pytest.raises(DomainError, match="only"):
        open_tensor(tmp_path / "x.pt")


# Temperature


def test_the_rule_comes_with_its_theorem_and_an_enclosure() -> None:
    found = choose_temperature(1, 1024, 0.01)
    assert found.temperature == pytest.approx(0.0867632688849675, rel=1e-14)
    assert found.interval[0] <= 0.0867632688849675 * (1 + 1e-14)
    assert found.interval[1] - found.interval[0] < 1e-16
    assert found.beta == pytest.approx(11.5256146160862, rel=1e-14)
    assert found.theorem == "attention.temperature_rule"
    assert choose_temperature(3, 65536, 0.01).temperature == pytest.approx(0.191259937510227, rel=1e-14)


def test_the_rule_suffices_and_is_needed_in_the_worst_case() -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        m, miss, gap = int(rng.integers(2, 30)), float(rng.uniform(0.001, 0.4)), float(rng.uniform(0.1, 3))
        eps = choose_temperature(gap, m, miss).temperature
        worst = np.concatenate([[gap], np.zeros(m - 1)])
        some = np.concatenate([[0.0], -gap - rng.random(m - 1)])
        assert 1 - softmax(some / eps).max() <= miss
        assert 1 - softmax(worst / eps).max() == pytest.approx(miss, rel=1e-9)


def test_where_every_or_no_temperature_works() -> None:
    for given in ((1, 2, 0.5), (0, 4, 0.75), (1, 1, 0.01)):
        assert choose_temperature(*given).temperature == np.inf
    none = choose_temperature(0, 4, 0.6)
    assert none.temperature == 0
    assert none.theorem == "attention.argmax_ties"
    assert choose_temperature(scores=[[3.0, 1, 0], [5.0, 4.5, -np.inf]]).gap == 0.5
    assert gaps([[1.0, -np.inf]]).tolist() == [np.inf]


@pytest.mark.parametrize("given", [{}, {"gap": 1}, {"gap": 1, "keys": 4, "scores": [1, 2]}, {"gap": -1, "keys": 4},
                                   {"gap": 1, "keys": 4, "miss": 0}, {"gap": np.nan, "keys": 4},
                                   {"scores": [np.nan, 1]},
                                   {"scores": [[-np.inf, -np.inf]]}])  # fmt: skip
def test_a_temperature_that_is_not_clear_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(DomainError):
        choose_temperature(**given)


# Verbs


def test_the_verbs(tmp_path: Path) -> None:
    A = heads(2, 4, 6)
    A[1, 2] = 0
    np.save(tmp_path / "a.npy", A)
    done = CliRunner().invoke(main, ["sharpness", str(tmp_path / "a.npy"), "--json"])
    told = json.loads(done.stdout)
    assert done.exit_code == 1
    assert told["bad_rows"] == [{"row": [1, 2], "reason": "sees no key", "sum": 0.0}]
    assert told["matrices"][0]["bad"] == 0
    np.save(tmp_path / "b.npy", A[:1])
    done = CliRunner().invoke(main, ["sharpness", str(tmp_path / "b.npy")])
    assert done.exit_code == 0
    assert "effective keys" in done.stdout
    done = CliRunner().invoke(main, ["temperature", "--gap", "1", "--keys", "1024", "--miss", "0.01", "--json"])
    assert json.loads(done.stdout)["temperature"] == pytest.approx(0.0867632688849675)
    done = CliRunner().invoke(main, ["temperature", "--gap", "1", "--keys", "2", "--miss", "0.6"])
    assert "inf" in done.stdout
