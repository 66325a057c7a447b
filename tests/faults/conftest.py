"""What attacks the real program from outside: the simulated providers."""

import pytest

from tests.backstage import backstage


@pytest.fixture
def stage():
    with backstage() as made:
        yield made
