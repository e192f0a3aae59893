"""Many tenants of the same tools: random calls with tokens of every kind, against a model of what every table must hold.

No call may show or change what is another tenant's, and none may fail to do what it should. A failure names its seed:
TENANT_SEED=<seed> plays the same again.
"""

import os
import random

import pytest

from tenant_calls import Rpc, Sql, Urls
from tenant_hostile import PLANT, SETTINGS, make_hostile
from tenant_random import ACTS, OF_PROJECTS, Player
from tenant_world import World

CALLS = int(os.environ.get("TENANT_CALLS", 4000))
BETWEEN_COMPARISONS = 100
FUNCTIONS = {*ACTS, *OF_PROJECTS, "rotate_token"}
OUTCOMES = {"unauthorized", "project token", "suspended", "archived", "no record", "taken", "key reused", "full"}

ROLE_NAMES = ["tenant_app", "tenant_service"]
ROLES = """
create role tenant_app login in role projectalpha_anon;
create role tenant_service login;
grant usage on schema projectalpha to tenant_service;
do $$
declare f regprocedure;
begin
    for f in select p.oid from pg_proc p where p.pronamespace = 'projectalpha'::regnamespace and p.prokind = 'f'
                and has_function_privilege('projectalpha_anon', p.oid, 'EXECUTE') loop
        execute format('grant execute on function %s to tenant_service', f);
    end loop;
end $$;
"""


@pytest.fixture
def sessions(own_stack):
    """Connections that stay open: of a member of projectalpha_anon, of a role that was granted the functions alone, and
    of one that does what it can to be in the way."""
    own_stack.sql(ROLES)
    own_stack.sql(PLANT)
    opened = [own_stack.connect(user=role, autocommit=True, options="-c statement_timeout=20s")
              for role in ROLE_NAMES * 2 + ["tenant_app"] * len(SETTINGS)]
    for session, settings in zip(opened[-len(SETTINGS):], SETTINGS):
        make_hostile(session, settings)
    yield opened
    for session in opened:
        session.close()
    own_stack.sql("drop owned by tenant_app, tenant_service cascade; drop role tenant_app, tenant_service")


def test_no_tenant_sees_or_changes_what_is_anothers(own_stack, sessions):
    seed = int(os.environ.get("TENANT_SEED") or random.randrange(1 << 32))
    player = None
    try:
        chance = random.Random(seed)
        world = World(own_stack, chance)
        player = Player(world, chance)
        play(own_stack, world, player, chance, sessions)
        # It would prove nothing if all calls were refused, or none, or if all were about the shared tables.
        assert not missing(player), missing(player)
        assert sum(count for owner, count in player.owners.items() if owner not in (None, "nobody")) > CALLS / 10
    except Exception as fault:
        last = "\n".join(f"  {line}" for line in player.log[-5:]) if player else ""
        raise AssertionError(f"seed {seed}: {fault}\nthe last calls were\n{last}") from fault
    print(dict(player.made), dict(player.owners))


def missing(player):
    """The functions that have not succeeded yet, and the refusals that have not come."""
    done = {function for function, outcome in player.made if outcome is None}
    return (FUNCTIONS - done) | (OUTCOMES - {outcome for _, outcome in player.made})


def play(stack, world, player, chance, sessions):
    for _ in range(6):
        world.settle(world.create_project())
    faces = [*map(Sql, sessions), *map(Sql, sessions), Rpc(stack), *[Urls(stack)] * 3]
    # Some more where chance has left something out.
    for n in range(4 * CALLS):
        if n >= CALLS and not missing(player):
            break
        kind = chance.random()
        if kind < 0.82:
            player.play(chance.choice(faces))
        elif kind < 0.90:
            player.play_resources(chance.choice(faces[:-3]))
        elif kind < 0.96:
            player.change()
        else:
            player.transaction(chance.choice(ROLE_NAMES))
        if n % BETWEEN_COMPARISONS == 0:
            world.compare_all(f"after {n} calls")
    world.compare_all("at the end")
    world.close()
