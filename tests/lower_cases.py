"""The acceptance table of the tensor compiler (dltsym design note on lowering, table 7.3): all rows, by name."""

from __future__ import annotations

import lower_cases_attention
import lower_cases_losses
import lower_cases_scans
import lower_cases_stable

TABLES = (lower_cases_attention, lower_cases_losses, lower_cases_scans, lower_cases_stable)
ROWS = {row.name: row for table in TABLES for row in table.ROWS}
