"""Fixtures of the database tests."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
pytest.register_assert_rewrite("cluster")

from cluster import Cluster  # noqa: E402


@pytest.fixture(scope="session")
def cluster():
    """One PostgreSQL for all of them; a test makes databases of its own."""
    with Cluster() as running:
        yield running


@pytest.fixture
def store(cluster):
    """A connection to a fresh database with the extension."""
    with cluster.passing_store() as connection:
        yield connection


@pytest.fixture(scope="session")
def preloaded():
    """The same, with the library in shared_preload_libraries."""
    with Cluster(preloaded=True) as running:
        yield running
