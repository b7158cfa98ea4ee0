"""A fit and a comparison, invented."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.report.invented import FakeFit, FakePools, make_draws


@pytest.fixture
def fit() -> FakeFit:
    return FakeFit()


@pytest.fixture
def interrupted_fit(fit: FakeFit) -> FakeFit:
    return replace(fit, draws=make_draws(150, interrupted=True))


@pytest.fixture
def pools() -> FakePools:
    return FakePools()
