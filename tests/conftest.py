"""Settings that all tests share: the same numbers on every run, and no window for any figure."""

from __future__ import annotations

import os
import signal

from hypothesis import settings

collect_ignore = ["reference"]  # scripts that made the figures tests compare with, run by hand

os.environ["MPLBACKEND"] = "Agg"  # before anything imports matplotlib, also in subprocesses

# A shell's background jobs are born deaf to Ctrl-C, and so are their children; some tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Kernels compile on their first call, which no deadline for one example would survive.
settings.register_profile("partialpool", deadline=None, derandomize=True, database=None)
settings.load_profile("partialpool")
