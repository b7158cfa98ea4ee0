"""Settings that all tests share: the same numbers on every run, and no window for any figure."""

from __future__ import annotations

import os

from hypothesis import settings

collect_ignore = ["reference"]  # scripts that made the figures tests compare with, run by hand

os.environ["MPLBACKEND"] = "Agg"  # before anything imports matplotlib, also in subprocesses

# Kernels compile on their first call, which no deadline for one example would survive.
settings.register_profile("partialpool", deadline=None, derandomize=True, database=None)
settings.load_profile("partialpool")
