"""The core pack: the records that come with dltsym.

In a checkout they are the folder ``derivations/`` beside the package; in a wheel the same folder is shipped
as ``core`` inside this package. The path is all that a pack has to provide.
"""

from pathlib import Path

_here = Path(__file__).resolve().parent
_shipped = _here / "core"

__path__ = [str(_shipped if _shipped.is_dir() else _here.parent.parent / "derivations")]
