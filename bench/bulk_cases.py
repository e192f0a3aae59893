"""Many records in one call, against COPY."""

import json

from measure import RECORD, Backend, at_least, compare, rotate

RECORDS = 10_000
CALLS = 5  # of each measurement, each a transaction of its own


def bulk(bench):
    """10,000 records in one call. The array travels as the text of a parameter, as drivers send it, and the server
    parses it; COPY gets its text in one piece as well: both clients have nothing to do but to send."""
    tool = bench.tool("bulk")
    records = [tool.values | {"user_id": n, "feedback": f"Great product, says {n}"} for n in range(RECORDS)]
    array = json.dumps(records)
    lines = "".join(f"{r['user_id']}\t{r['feedback']}\t{r['rating']}\n" for r in records).encode()
    statement = "SELECT projectalpha.store_records(%s, %s, %s::text::jsonb)"

    with Backend(bench.stack.dsn, synchronous_commit="on") as backend:
        def store_records():
            with backend.connection.transaction():
                backend.execute(statement, (tool.name, tool.token, array), prepare=True)

        def copy():
            with backend.connection.transaction(), backend.connection.cursor() as cursor:
                with cursor.copy(f"COPY {tool.twin} ({', '.join(tool.fields)}) FROM STDIN") as stream:
                    stream.write(lines)

        measures = {"ours": lambda: calls(backend, store_records), "copy": lambda: calls(backend, copy)}
        series = rotate(bench.rounds, measures, lambda: backend.execute(tool.truncate()))
    ours, theirs = series["ours"], series["copy"]
    yield compare("bulk", "store_records, 10,000 a call, fsync at commit", "COPY FROM STDIN, text", "records/s",
                  [rate for rate, _ in ours], [rate for rate, _ in theirs], at_least(0.7), at_least(1.0))
    yield compare("bulk", "the same: CPU of the server", "COPY FROM STDIN, text", RECORD,
                  [us for _, us in ours], [us for _, us in theirs])


def calls(backend, call):
    """Records per second by the clock, and microseconds of the server's CPU for each."""
    with backend.clock() as clock:
        for _ in range(CALLS):
            call()
    return CALLS * RECORDS / clock.seconds, clock.ns / (CALLS * RECORDS) / 1000


CASES = {"bulk": bulk}
