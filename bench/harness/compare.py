"""Do answers agree? Rows must be equal, in any order; estimates of quantiles must lie where the exact data says they may.

The reference is an exact answer of one system (DuckDB where it runs). Times become nanoseconds, absent becomes the empty text.
"""

import datetime
import re

from harness.questions import Question

# Without exact bands two estimates may differ by this share.
QUANTILE_TOLERANCE = 0.05
# With bands, an estimate may still be this share of its value beside them: between two values far apart it is interpolated.
BESIDE_BAND = 0.01
SHOWN_MAX = 3
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z?$")
_EPOCH = datetime.datetime(1970, 1, 1)


def nanoseconds(value) -> int:
    """Of RFC 3339 text in UTC, or of a number that is nanoseconds already (maybe as text)."""
    if isinstance(value, str):
        match = _RFC3339.match(value)
        if match is None:
            return int(value)
        moment = datetime.datetime.fromisoformat(f"{match[1]}T{match[2]}")
        return (moment - _EPOCH) // datetime.timedelta(seconds=1) * 10**9 + int((match[3] or "0").ljust(9, "0"))
    return int(value)


def normal(question: Question, rows: list) -> list[tuple]:
    """Rows in one form for all systems, sorted."""
    kinds = {"time": nanoseconds, "n": int, "duration": int}
    result = []
    for row in rows:
        if len(row) != len(question.columns):
            raise ValueError(f"{len(row)} columns instead of {len(question.columns)}: {row}")
        cells = []
        for name, value in zip(question.columns, row):
            if name in question.quantiles:
                cells.append(float(value))
            elif name in kinds:
                cells.append(kinds[name](value))
            else:
                cells.append("" if value is None else str(value))
        result.append(tuple(cells))
    return sorted(result)


def differences(question: Question, rows: list, reference: list, bands: list | None = None) -> list[str]:
    """What is wrong with an answer, in words; nothing when it agrees with the reference.

    `bands` has the key columns of each row and, for each quantile in turn, the lowest and the highest value it may have.
    """
    try:
        got = normal(question, rows)
    except (TypeError, ValueError) as error:
        return [f"cannot be read: {error}"]
    if question.quantiles:
        return _quantile_differences(question, got, normal(question, reference), bands)
    wanted = normal(question, reference)
    if got == wanted:
        return []
    got_only, wanted_only = _without(got, wanted), _without(wanted, got)
    found = [f"{len(got)} rows, the reference has {len(wanted)}"] if len(got) != len(wanted) else []
    found += [f"not in the reference: {_short(row)}" for row in got_only[:SHOWN_MAX]]
    found += [f"missing: {_short(row)}" for row in wanted_only[:SHOWN_MAX]]
    left = len(got_only) + len(wanted_only) - min(len(got_only), SHOWN_MAX) - min(len(wanted_only), SHOWN_MAX)
    return found + ([f"and {left} more rows"] if left > 0 else [])


def _without(rows: list, others: list) -> list:
    """Rows that occur more often here than there."""
    left = {}
    for row in others:
        left[row] = left.get(row, 0) + 1
    result = []
    for row in rows:
        if left.get(row, 0) > 0:
            left[row] -= 1
        else:
            result.append(row)
    return result


def _quantile_differences(question: Question, got: list, reference: list, bands: list | None) -> list[str]:
    keys = len(question.columns) - len(question.quantiles)
    allowed = {}
    if bands is None:
        for row in reference:
            allowed[row[:keys]] = [(value * (1 - QUANTILE_TOLERANCE), value * (1 + QUANTILE_TOLERANCE)) for value in row[keys:]]
    else:
        band_columns = question.columns[:keys]
        for row in bands:
            key = tuple(nanoseconds(cell) if name == "time" else str(cell) for name, cell in zip(band_columns, row))
            ends = [float(cell) for cell in row[keys:]]
            allowed[key] = list(zip(ends[::2], ends[1::2]))
    found = []
    for row in got:
        limits = allowed.pop(row[:keys], None)
        if limits is None:
            found.append(f"not in the reference: {_short(row)}")
            continue
        for name, value, (low, high) in zip(question.quantiles, row[keys:], limits):
            if not low * (1 - BESIDE_BAND) - 1 <= value <= high * (1 + BESIDE_BAND) + 1:
                found.append(f"{name} of {_short(row[:keys]) or 'all'} is {value:g}, must be from {low:g} to {high:g}")
    found += [f"missing: {_short(key)}" for key in allowed]
    return found[: 2 * SHOWN_MAX]


def _short(row: tuple) -> str:
    text = ", ".join(str(cell) for cell in row)
    return text if len(text) <= 160 else text[:157] + "…"
