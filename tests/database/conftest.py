"""Fixtures of the database tests."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
pytest.register_assert_rewrite("cluster", "twins")

from cluster import Cluster, value  # noqa: E402
from twins import FIELDS  # noqa: E402


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


@pytest.fixture
def both(store):
    """The tool's table and its twin, and the schemas with what belongs to them."""
    schema = json.dumps([{"name": name, "type": kind} for name, kind in FIELDS.items()])
    store.execute("SELECT projectalpha.register_tool('hand', 'token-of-hand', %s)", [schema])
    store.execute("CREATE SCHEMA twin AUTHORIZATION projectalpha_owner; CREATE SCHEMA of_tool; CREATE SCHEMA of_twin")
    store.execute("CREATE TABLE twin.tool_hand (LIKE projectalpha_data.tool_hand INCLUDING ALL)")
    store.execute("ALTER TABLE twin.tool_hand OWNER TO projectalpha_owner")
    sides = ({"t": "projectalpha_data.tool_hand", "x": "of_tool"}, {"t": "twin.tool_hand", "x": "of_twin"})
    for side in sides:
        side["k"] = value(store, "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'p'", side["t"])
    return store, *sides
