"""Text that runs from right to left, put in the order in which letters are drawn.

Matplotlib before 3.11 draws letters from left to right in the order of the text, each in its own free form.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from itertools import pairwise

from partialpool.plots.fonts import drawable

_JOINERS = "\u200c\u200d"  # of no width: they only say whether neighbours join
_LAM_ALEFS = ("\u0644\u0622", "\u0644\u0623", "\u0644\u0625", "\u0644\u0627")
_MIRRORS = str.maketrans("()[]{}<>«»", ")(][}{><»«")
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_KINDS = {"L": "L", "R": "R", "AL": "R", "EN": "1", "AN": "1"}


def visual(text: str) -> str:
    """Reorder Hebrew, Arabic and their like for drawing, and join Arabic letters.

    Directions follow a part of Unicode's bidirectional algorithm (annex 9): words, numbers, blanks and
    brackets, without embeddings. Arabic letters take their initial, medial, final or isolated form.
    A text without such letters is returned as it is.

    Examples
    --------
    >>> visual("District 3"), visual("\\u05d0\\u05d1 12")
    ('District 3', '12 \\u05d1\\u05d0')
    """
    if not any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in text):
        return text.translate(dict.fromkeys(map(ord, _JOINERS)))
    units = [unit for unit in _joined(clusters(text)) if unit not in _JOINERS]
    levels = _levels([_kind(unit) for unit in units], _pairs(units))
    units = [u.translate(_MIRRORS) if level == 1 else u for u, level in zip(units, levels, strict=True)]
    order = list(range(len(units)))
    for least in (2, 1):
        order = _reversed_runs(order, [levels[i] >= least for i in order])
    return "".join(units[i] for i in order)


def clusters(text: str) -> list[str]:
    """Split a text into letters with their accents.

    Examples
    --------
    >>> [len(cluster) for cluster in clusters("re\\u0301")]
    [1, 2]
    """
    units: list[str] = []
    for letter in text:
        if units and unicodedata.category(letter) in ("Mn", "Mc", "Me"):
            units[-1] += letter
        else:
            units.append(letter)
    return units


def _joined(units: list[str]) -> list[str]:
    """Give each Arabic letter the form that its neighbours require."""
    units = _with_ligatures(units)
    forms = [_forms().get(unit[:2] if unit[:2] in _LAM_ALEFS else unit[:1], {}) for unit in units]
    after = [False, *("initial" in a and "final" in b for a, b in pairwise(forms))]
    before = [*after[1:], False]
    names = {(True, True): "medial", (True, False): "final", (False, True): "initial"}
    shown = []
    for unit, form, joins in zip(units, forms, zip(after, before, strict=True), strict=True):
        drawn = form.get(names.get(joins, "isolated"), "")
        n_letters = 2 if unit[:2] in _LAM_ALEFS else 1
        shown.append(drawn + unit[n_letters:] if drawn and drawable(drawn) else unit)
    return shown


def _with_ligatures(units: list[str]) -> list[str]:
    """Make one unit of each lam and the alef after it."""
    merged: list[str] = []
    for unit in units:
        if merged and merged[-1] + unit[0] in _LAM_ALEFS:
            merged[-1] += unit
        else:
            merged.append(unit)
    return merged


@cache
def _forms() -> dict[str, dict[str, str]]:
    """Read the joined forms of Arabic letters out of Unicode's compatibility decompositions."""
    forms: dict[str, dict[str, str]] = {}
    for point in (*range(0xFB50, 0xFC00), *range(0xFE80, 0xFEFD)):
        kind, *letters = unicodedata.decomposition(chr(point)).split() or [""]
        if kind.startswith("<"):
            plain = "".join(chr(int(letter, 16)) for letter in letters)
            forms.setdefault(plain, {})[kind.strip("<>")] = chr(point)
    return forms


def _kind(unit: str) -> str:
    return _KINDS.get(unicodedata.bidirectional(unit[0]), " ")


def _pairs(units: list[str]) -> list[tuple[int, int]]:
    """Find the brackets that belong together, as places of opening and closing ones."""
    pairs, opened = [], []
    for i, unit in enumerate(units):
        if unit in _CLOSING:
            opened.append((i, _CLOSING[unit]))
        elif opened and unit == opened[-1][1]:
            pairs.append((opened.pop()[0], i))
    return sorted(pairs)


def _levels(kinds: list[str], pairs: list[tuple[int, int]]) -> list[int]:
    """Give each unit its level: odd ones run from right to left, inside what is lower."""
    base = next((kind for kind in kinds if kind in "LR"), "L")
    last, resolved = base, list(kinds)
    for i, kind in enumerate(kinds):
        if kind == " " and kinds[i - 1 : i] == kinds[i + 1 : i + 2] == ["1"]:
            kind = "1"  # a point or comma inside a number
        last = kind if kind in "LR" else last
        resolved[i] = "L" if kind == "1" and last == "L" else kind
    for start, end in pairs:
        inside = {"R" if kind == "1" else kind for kind in resolved[start + 1 : end]} - {" "}
        before = next((kind for kind in kinds[start::-1] if kind in "LR"), base)
        if inside:
            resolved[start] = resolved[end] = base if base in inside else before
    sides = [base, *("R" if kind == "1" else kind for kind in resolved), base]
    for i, kind in enumerate(resolved):
        if kind == " ":
            before = next(side for side in sides[i::-1] if side != " ")
            after = next(side for side in sides[i + 2 :] if side != " ")
            resolved[i] = before if before == after else base
    return [{"L": 0 if base == "L" else 2, "R": 1, "1": 2}[kind] for kind in resolved]


def _reversed_runs(order: list[int], chosen: list[bool]) -> list[int]:
    """Reverse each run of chosen places."""
    result: list[int] = []
    run: list[int] = []
    for place, inside in zip(order, chosen, strict=True):
        if inside:
            run.insert(0, place)
        else:
            result += [*run, place]
            run = []
    return result + run
