"""The conformance suite: what holds for every record and every kernel of a pack, and how a test holds a kernel.

Put this into a test module of your pack::

    from pathlib import Path
    from dltsym.testing import Conformance


    class TestMyPack(Conformance):
        folders = (Path(__file__).parent.parent / "records",)

pytest then runs one test of each kind per record file, broken files included, under the key of the record.

For kernels::

    from dltsym.testing import KernelConformance, assert_matches


    class TestMyKernels(KernelConformance):
        modules = ("my.kernels",)


    def test_attention():
        assert_matches(attention, "attention.one_sided_eot", dtype="bf16", map={"softmax_scale": "1/tau"})
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from dltsym import batch, index, task
from dltsym.cache import open_cache
from dltsym.packs import advice, load_record
from dltsym.prove.report import AuditReport, Report
from dltsym.prove.verdict import REFUTED, VACUOUS
from dltsym.record import Audit, Theorem

if TYPE_CHECKING:
    from dltsym.implementation import Case
    from dltsym.oracle.report import Report as Judgement


def record_keys(folders: Sequence[Path] | None = None) -> list[str]:
    """List the keys of all record files, broken ones included.

    Parameters
    ----------
    folders : sequence of Path, optional
        Folders of a pack; by default all packs in use.

    Returns
    -------
    list of str
    """
    found = index.build(also=folders or ())
    if folders is None:
        return sorted({*found.paths, *found.broken})
    homes = [Path(folder).resolve() for folder in folders]
    return sorted(key for key, path in found.paths.items() if any(path.is_relative_to(home) for home in homes))


def conform(key: str, folders: Sequence[Path] | None = None) -> Report | AuditReport:
    """Check one record and raise unless everything about it is right.

    Parameters
    ----------
    key : str
        Key of a record.
    folders : sequence of Path, optional
        Folders of its pack, when it is not among the packs in use. Lemmas may come from any pack.

    Returns
    -------
    Report or AuditReport

    Raises
    ------
    AssertionError
        Naming every defect: an unproved step, a value that differs, a refuted variant proved, a missing source.
    """
    found = index.build(also=folders or ())
    entry = found.entry(key)
    report = task.restore(batch.finish(found, entry, batch.check_here(found, entry.key, open_cache())))
    defects = list(report.problems)
    defects += [v.defect for v in report.values if not v.ok]
    if isinstance(report, Report):
        bad = [s for s in report.steps if s.grade in (REFUTED, VACUOUS)]
        defects += [f"step {s.number} {s.relation} is {s.grade}" for s in bad]
    if defects or not report.ok:
        raise AssertionError("\n".join([f"{key} does not conform", *dict.fromkeys(defects)]))
    return report


class Conformance:
    """Inherit from this class in a test module, and say in `folders` where the records are."""

    folders: ClassVar[Sequence[Path] | None] = None

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Make one test per record file."""
        if "record_key" in metafunc.fixturenames:
            metafunc.parametrize("record_key", record_keys(type(self).folders))

    def test_record_is_proved(self, record_key: str) -> None:
        """Every step is proved, every value reproduced, no refuted variant proved, every source known."""
        assert conform(record_key, self.folders).key == record_key

    def test_record_says_what_it_means(self, record_key: str) -> None:
        """A record is short, has prose for its page, its symbols have a meaning, and it prints as LaTeX."""
        from dltsym.render import latex

        entry = index.build(also=self.folders or ()).entry(record_key)
        record = load_record(entry.file)
        missing = advice(record, entry.file.path)
        assert not missing, f"{record_key}: {'; '.join(missing)}"
        assert isinstance(record, Theorem | Audit)
        assert latex.statement(record) if isinstance(record, Theorem) else latex.audit(record)


def assert_matches(
    function: Callable[..., Any],
    against: Any,
    dtype: str | Sequence[str] = "f32",
    map: str | Mapping[str, Any] | None = None,
    *,
    cases: int | Sequence[Case] | None = None,
    seed: int = 0,
    grads: Sequence[str] = (),
    device: str = "",
    contract: str = "",
    arrays: str = "auto",
    c_signature: str = "",
    selftest: bool = True,
    search: float = 0.0,
) -> Judgement:
    """Hold a callable against a theorem, and raise with the table of the report unless it passes.

    Parameters
    ----------
    function : callable
        Torch function, launcher of a Triton kernel, function of numpy arrays, or a text that names one.
    against : str, Theorem, Kernel or Expr
        Key of a theorem, a theorem, a compiled expression, an expression, or several by name.
    dtype : str or sequence of str
        ``f32``, ``f64``, ``f16``, ``bf16``.
    map : str or mapping, optional
        What its arguments and results are, such as ``{"softmax_scale": "1/tau", "out[1]": "lse/ln2"}``.
    cases : int or sequence of Case, optional
        Inputs, or at most how many of the automatic ones.
    seed : int
        Added to the seeds of the inputs.
    grads : sequence of str
        Inputs to differentiate by.
    device : str
        Where its tensors are; by default a GPU if there is one and Triton is not interpreted.
    contract : str
        Arithmetic that differs from the default, such as ``"dot=tf32"``.
    arrays : str
        What arrays it takes, if that cannot be seen from where it lives.
    c_signature : str
        Parameters, for a function of a shared library.
    selftest : bool
        Whether to count how many wrong formulas the check would catch.
    search : float
        Seconds to search for worse inputs.

    Returns
    -------
    Report
        Of `dltsym.oracle`.

    Raises
    ------
    AssertionError
        With the table as its text, when the check fails, or cannot see anything.
    """
    from dltsym.oracle import inprocess
    from dltsym.oracle.adapters import candidate
    from dltsym.oracle.run import check
    from dltsym.oracle.statement import spec_of

    place = device or inprocess.device()
    inprocess.require_interpreter(function, place)
    spec = spec_of(against)
    own = candidate(function, spec, map, device=place, contract=contract, arrays=arrays, c_signature=c_signature)
    chosen = inprocess.cases(spec, function, cases)
    dtypes = (dtype,) if isinstance(dtype, str) else tuple(dtype)
    report = check(spec, own, dtypes=dtypes, cases=chosen, seed=seed, grads=grads, selftest=selftest, search=search)
    inprocess.require_driver(report)
    if not report.ok:
        raise AssertionError("\n" + report.table(colour=False))
    return report


class KernelConformance:
    """Inherit from this class in a test module, and say in `modules` where functions marked by `implements` are.

    Attributes
    ----------
    modules : sequence of str
        Modules; by default the kernels of dltsym.
    cases : int or None
        At most so many of the cases of each kernel.
    """

    modules: ClassVar[Sequence[str]] = ()
    cases: ClassVar[int | None] = None

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Make one test per kernel and type."""
        if "kernel_dtype" not in metafunc.fixturenames:
            return
        from dltsym.implementation import DTYPES, implementation_of

        short = {long: s for s, long in DTYPES.items()}
        found = [(n, f, d) for n, f in sorted(kernels_in(type(self).modules).items()) for d in _told(f).dtypes]
        metafunc.parametrize("kernel,kernel_dtype", [(f, d) for _, f, d in found],
                             ids=[f"{n}-{short[d]}" for n, _, d in found])  # fmt: skip
        assert all(implementation_of(f) is not None for _, f, _ in found)

    def test_kernel_matches_its_theorem(self, kernel: Any, kernel_dtype: str) -> None:
        """Outputs and gradients lie within the tolerances that follow from the theorem, and the relations hold."""
        from dltsym.oracle import inprocess

        told = _told(kernel)
        chosen = inprocess.some(told.cases, self.cases) if told.cases else self.cases
        assert assert_matches(kernel, told.key, kernel_dtype, cases=chosen, grads=told.grads, selftest=False).ok


def kernels_in(modules: Sequence[str] = ()) -> dict[str, Callable[..., Any]]:
    """Find the functions that `implements` has marked.

    Parameters
    ----------
    modules : sequence of str
        Modules; by default the kernels of dltsym.

    Returns
    -------
    dict of str to callable
    """
    from dltsym import kernels
    from dltsym.implementation import implementation_of

    if not modules:
        return kernels.everything()
    every = [(name, f) for m in modules for name, f in vars(import_module(m)).items() if callable(f)]
    return {name: f for name, f in every if implementation_of(f) is not None}


def _told(function: Any) -> Any:
    from dltsym.implementation import implementation_of

    return implementation_of(function)
