"""The conformance suite: what holds for every record of a pack. The core pack and any other pack inherit it.

Put this into a test module of your pack::

    from pathlib import Path
    from dltsym.testing import Conformance


    class TestMyPack(Conformance):
        folders = (Path(__file__).parent.parent / "records",)

pytest then runs one test of each kind per record file, broken files included, under the key of the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from dltsym import batch, index, task
from dltsym.cache import open_cache
from dltsym.packs import load_record
from dltsym.prove.report import AuditReport, Report
from dltsym.prove.verdict import REFUTED, VACUOUS
from dltsym.record import Audit, Theorem


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
    defects += [f"value {v.of} expected {v.expected}, got {v.got}" for v in report.values if not v.ok]
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
        """A record has prose for its page, its symbols have a meaning, and it prints as LaTeX."""
        from dltsym.render import latex

        record = load_record(index.build(also=self.folders or ()).entry(record_key).file)
        assert record.prose, f"{record_key}: the docstring is the text of the page"
        silent = [s.name for s in record.symbols.values() if not s.decl.meaning and s.decl.sort not in ("index", "let")]
        assert not silent, f"{record_key}: say what {', '.join(silent)} means"
        assert isinstance(record, Theorem | Audit)
        assert latex.statement(record) if isinstance(record, Theorem) else latex.audit(record)
