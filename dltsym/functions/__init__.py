"""The named functions of the field: one row of plain data each (see `dltsym.functions.table`)."""
