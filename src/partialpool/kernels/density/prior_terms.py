"""The log density of one number under a prior, called by address."""

from __future__ import annotations

from partialpool.kernels.native.compiling import kernel
from partialpool.kernels.native.pointers import call_prior


@kernel
def prior_term(address, value, parameters, scratch):
    """Return (log density, derivative) of the prior at an address; scratch is (2,)."""
    scratch[0] = value
    scratch[1] = 0.0
    log_density = call_prior(address, 1, scratch.ctypes.data, parameters.ctypes.data, scratch[1:].ctypes.data)
    return log_density, scratch[1]
