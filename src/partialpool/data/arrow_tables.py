"""Arrow's tables become pandas tables that have lost nothing."""

from __future__ import annotations

from typing import Any

import pandas as pd

_NULLABLE = {
    f"{sign}int{bits}": f"{capital}nt{bits}"
    for sign, capital in (("", "I"), ("u", "UI"))
    for bits in (8, 16, 32, 64)
}


def from_arrow(table: Any, *, index: bool = False) -> pd.DataFrame:
    """Make a pandas table of Arrow's.

    Whole numbers with missing values stay whole numbers, and decimals without a fraction become such where
    64 bits hold them; other decimals stay what they are. Categories keep their order.

    Parameters
    ----------
    index
        Whether an index that pandas wrote becomes one again; else it is a column.
    """
    names: list[str] = table.column_names
    if len({*names}) < len(names):
        return table.to_pandas(ignore_metadata=not index)  # which is refused
    for position, name in enumerate(names):
        table = table.set_column(position, name, _whole(table.column(name)))
    frame: pd.DataFrame = table.to_pandas(ignore_metadata=not index)
    for name in names:
        kind = str(table.schema.field(name).type)
        if name in frame and kind in _NULLABLE and table.column(name).null_count:
            frame[name] = _nullable(table.column(name), _NULLABLE[kind]).set_axis(frame.index)
    return frame


def _whole(column: Any) -> Any:
    """Make whole numbers of decimals without a fraction, where 64 bits hold all of them."""
    import pyarrow as pa

    if not (pa.types.is_decimal(column.type) and column.type.scale == 0):
        return column
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        return column


def _nullable(column: Any, kind: str) -> pd.Series:
    found: pd.Series = column.to_pandas(types_mapper={column.type: pd.api.types.pandas_dtype(kind)}.get)
    return found
