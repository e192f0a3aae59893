"""Whole transactions over a connection, by pgbench: how many per second."""

import os
import re
import subprocess

from measure import at_least, compare, rotate

STORE = "SELECT projectalpha.store_record(:tool, :token, :payload);"
INSERT = "INSERT INTO {twin} (user_id, feedback, rating) VALUES (:user_id, :feedback, :rating) RETURNING id;"


def pgbench(bench):
    """A record in each transaction: round trip, parse of the JSON and commit included."""
    tool = bench.tool("pgbench")
    scripts = {"store": STORE, "insert": INSERT.format(twin=tool.twin)}
    for name, text in scripts.items():
        (bench.stack.home / f"{name}.pgbench").write_text(text)
    variables = {"tool": tool.name, "token": tool.token, "payload": tool.payload} | tool.values

    def series(clients, commit, names):
        def tps(script):
            return lambda: run(bench, script, clients, commit, variables)
        # More and shorter rounds: the speed of the disk drifts by more than what these differ by.
        return rotate(2 * bench.rounds, {name: tps(script) for name, script in names.items()},
                      lambda: bench.stack.sql(tool.truncate())).values()

    for commit in ("off", "on"):
        for clients in (1, 4):
            bench.say(f"pgbench, {clients} clients, synchronous_commit {commit}")
            ours, plain = series(clients, commit, {"ours": "store", "plain": "insert"})
            yield compare("pgbench", f"store_record, pgbench, {clients} client{'s' * (clients > 1)}, "
                          f"synchronous_commit {commit}", "prepared INSERT", "tps", ours, plain,
                          at_least(0.95), at_least(1.0))
    bench.say("pgbench, the INSERT against itself")
    one, other = series(4, "off", {"one": "insert", "other": "insert"})
    yield compare("pgbench", "prepared INSERT, 4 clients, synchronous_commit off (machine noise)", "itself", "tps",
                  one, other)


def run(bench, script, clients, commit, variables):
    """Transactions per second."""
    program = subprocess.check_output([os.environ["PG_CONFIG"], "--bindir"], text=True).strip() + "/pgbench"
    home = bench.stack.home
    command = [program, "--no-vacuum", "--protocol=prepared", f"--client={clients}", "--jobs=1",
               f"--time={max(1, bench.seconds // 2)}", f"--file={home / script}.pgbench",
               f"--host={home / 'run'}", f"--port={bench.stack.pg_port}", "--username=postgres",
               *(f"--define={name}={value}" for name, value in variables.items()), "projectalpha"]
    environment = os.environ | {"PGOPTIONS": f"-c synchronous_commit={commit}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0 or "number of failed transactions: 0 " not in done.stdout:
        raise RuntimeError(f"pgbench failed: {done.stdout}{done.stderr}")
    return float(re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)[1])


CASES = {"pgbench": pgbench}
