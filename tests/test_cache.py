"""The cache costs time when it is damaged, never a verdict."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dltsym import cache as caching
from dltsym.cache import Cache, default_folder, digest, engine_fingerprint

VALUE = {"grade": "exact", "steps": [1, 2], "text": "π ≤ 4"}


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    store = Cache(tmp_path)
    assert store.get("a") is None
    store.put("a", VALUE)
    assert store.get("a") == VALUE
    assert Cache(tmp_path).get("a") == VALUE
    assert store.get("b") is None
    assert store.size()[0] == 1


def test_another_version_sees_nothing(tmp_path: Path) -> None:
    Cache(tmp_path, "1").put("a", VALUE)
    assert Cache(tmp_path, "2").get("a") is None


@pytest.mark.parametrize("damage", [
    lambda data: b"", lambda data: data[:-1], lambda data: data[:40], lambda data: b"\xff" + data,
    lambda data: data.replace(b"exact", b"cited"), lambda data: data + b" ", lambda data: b"{}\n" + data,
])  # fmt: skip
def test_a_damaged_entry_is_a_miss(tmp_path: Path, damage: object) -> None:
    store = Cache(tmp_path)
    store.put("a", VALUE)
    [path] = store.entries()
    path.write_bytes(damage(path.read_bytes()))
    assert store.get("a") is None
    store.put("a", VALUE)
    assert store.get("a") == VALUE


def test_an_entry_under_another_name_is_a_miss(tmp_path: Path) -> None:
    store = Cache(tmp_path)
    store.put("a", VALUE)
    [path] = store.entries()
    store.put("b", {"grade": "open"})
    [other] = [p for p in store.entries() if p != path]
    other.write_bytes(path.read_bytes())
    assert store.get("b") is None


def test_a_folder_in_place_of_an_entry_is_a_miss(tmp_path: Path) -> None:
    store = Cache(tmp_path)
    store.put("a", VALUE)
    [path] = store.entries()
    path.unlink()
    path.mkdir()
    assert store.get("a") is None


def test_a_folder_that_cannot_be_written_gives_one_warning(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    store = Cache(blocked / "cache")
    with pytest.warns(RuntimeWarning, match="DLTSYM_CACHE_DIR"):
        store.put("a", VALUE)
    store.put("b", VALUE)  # a second warning would be an error
    assert store.get("a") is None
    assert store.size() == (0, 0)


def test_no_folder_keeps_nothing() -> None:
    store = Cache(None)
    store.put("a", VALUE)
    assert store.get("a") is None
    assert store.size() == (0, 0)


def test_an_interrupted_write_leaves_the_old_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Cache(tmp_path)
    store.put("a", VALUE)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(caching.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.put("a", {"grade": "open"})
    assert store.get("a") == VALUE
    assert [p.name for p in tmp_path.rglob(".new-*")] == []


def test_two_processes_may_write_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from dltsym.cache import Cache\n"
        "store = Cache(Path(sys.argv[1]))\n"
        "for k in range(300): store.put(f'k{k % 3}', {'who': sys.argv[2], 'n': list(range(50))})\n"
    )
    workers = [subprocess.Popen([sys.executable, "-c", code, tmp_path, name]) for name in "ab"]
    seen = []
    while any(w.poll() is None for w in workers):
        seen += [Cache(tmp_path).get(f"k{k}") for k in range(3)]
    assert [w.returncode for w in workers] == [0, 0]
    assert all(v is None or v["n"] == list(range(50)) for v in seen)
    assert all(Cache(tmp_path).get(f"k{k}") is not None for k in range(3))


def test_the_folder_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DLTSYM_CACHE_DIR", str(tmp_path))
    assert default_folder() == tmp_path
    monkeypatch.setenv("DLTSYM_CACHE_DIR", "")
    monkeypatch.setattr(caching.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_folder() == tmp_path / "xdg" / "dltsym"


def test_the_fingerprint_is_the_same_in_every_process() -> None:
    code = "from dltsym.cache import engine_fingerprint; print(engine_fingerprint(), end='')"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert other == engine_fingerprint.__wrapped__()


def test_the_fingerprint_covers_the_checker_and_not_the_views(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fingerprint(*, verdict: str = "", latex: str = "") -> str:
        home = tmp_path / "dltsym"
        for place, text in (("cache.py", ""), ("prove/verdict.py", verdict), ("render/latex.py", latex)):
            path = home / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        monkeypatch.setattr(caching, "__file__", str(home / "cache.py"))
        return engine_fingerprint.__wrapped__()

    assert fingerprint() == fingerprint()
    assert fingerprint(verdict="x = 1") != fingerprint()
    assert fingerprint(latex="x = 1") == fingerprint()


def test_digest_keeps_parts_apart() -> None:
    assert digest("ab", "c") != digest("a", "bc") != digest("abc")
    assert json.dumps(digest("\ud800"))
