"""Every record of the core pack, under the suite that any pack inherits."""

from dltsym.testing import Conformance


class TestCore(Conformance):
    """The core pack enters through the same door as any other."""
