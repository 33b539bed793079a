"""schemathesis on our own description: no server error, no answer that the description does not know, no door without its lock."""

import logging

import pytest

from tests.api.attack import Found, attack
from tests.api.conftest import ROLES

SEED = 20261127


@pytest.fixture(autouse=True)
def quiet():
    """Thousands of refusals, each of which would be a line of the log."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def assert_true(found: Found, role: str) -> None:
    assert not found.failures, f"{role}, seed {SEED}: {len(found.failures)} kinds\n\n{found.text()}"
    assert not [status for status in found.statuses if status >= 500]
    assert found.checks["ignored_auth"] > 20
    assert found.statuses[200] > 3  # a viewer is let in to little


@pytest.mark.processes
@pytest.mark.parametrize("role", ROLES)
def test_the_api_is_as_it_is_described(role, world, tokens):
    """A round over all operations with each role's token; the soak makes many."""
    phases = "examples, fuzzing" if role == "admin" else "examples"
    assert_true(attack(tokens[role], phases=phases, examples=1, seconds=60, seed=SEED), role)


@pytest.mark.soak
@pytest.mark.parametrize("role", ROLES)
def test_the_api_is_as_it_is_described_from_every_side(role, world, tokens):
    found = attack(tokens[role], phases="examples, coverage, fuzzing, stateful", examples=10, seconds=900, seed=SEED)
    print(role, dict(found.statuses), dict(found.checks))  # noqa: T201
    assert_true(found, role)
