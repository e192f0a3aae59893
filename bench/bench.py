#!/usr/bin/env python3
"""Measures every row of the table of goals side by side with plain PostgreSQL, prints the table, writes it as JSON and
draws it. Starts a stack of its own and stops it. It judges no time: the exit code is 0 if all could be measured.

    make bench                           all of it, in under 10 minutes on 2 cores
    scripts/bench.sh --only store,list   some cases
    bench/bench.py --only store,list     the same, by the Python of the tests' virtual environment: of what is installed,
                                         without building first
"""

import argparse
import datetime
import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The tests' way to start a stack.
sys.path.append(str(HERE.parent / "tests" / "http"))

import bulk_cases  # noqa: E402
import gate_cases  # noqa: E402
import http_cases  # noqa: E402
import pgbench_cases  # noqa: E402
import record_cases  # noqa: E402
import scale_cases  # noqa: E402
import sql_cases  # noqa: E402
from database import SETTINGS, running  # noqa: E402
from picture import draw  # noqa: E402

CASES = (sql_cases.CASES | record_cases.CASES | pgbench_cases.CASES | bulk_cases.CASES | scale_cases.CASES
         | gate_cases.CASES | http_cases.CASES)
ORDER = ["noise", "store", "plan", "pgbench", "dba", "bulk", "list", "keyset", "record", "find", "rules", "gate", "log", "credentials", "tools", "memory", "tenants",
         "http", "wide"]
STARTED = time.monotonic()


def say(text):
    print(f"[{time.monotonic() - STARTED:4.0f}s] {text}", flush=True)


def arguments():
    parser = argparse.ArgumentParser(description="Measures projectalpha_store against plain PostgreSQL.")
    parser.add_argument("--only", default=",".join(ORDER), help="cases, separated by commas: %(default)s")
    parser.add_argument("--rounds", type=int, default=5, help="alternating rounds (%(default)s; twice that by CPU)")
    parser.add_argument("--seconds", type=int, default=2, help="of each measurement by the clock (%(default)s)")
    parser.add_argument("--output", type=Path, help="folder of the results; bench/results if all cases run")
    given = parser.parse_args()
    given.only = given.only.split(",")
    if unknown := set(given.only) - set(ORDER):
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    if given.output is None and set(given.only) == set(ORDER):
        given.output = HERE / "results"
    return given


def measure(bench, names):
    """The rows, and the cases that could not be measured with the reason."""
    rows, failures = [], {}
    for name in (name for name in ORDER if name in names):
        say(f"{name}: {CASES[name].__doc__.split('. ')[0].strip()}")
        try:
            bench.settle()
            for row in CASES[name](bench):
                rows.append(row)
                say(f"    {row.work}: {row.ratio:.2f}x ±{row.noise_percent:.0f}% {row.verdict}")
        except Exception as error:  # the others can still be measured
            failures[name] = f"{type(error).__name__}: {error}"
            say(f"    could not be measured: {failures[name]}")
    return rows, failures


def table(rows):
    """As text, its columns aligned."""
    lines = [("work", "against", "measured", "noise", "must reach", "aim at", "ok?")]
    for row in rows:
        lines.append((
            row.work, row.against, f"{row.ratio:.2f}x  ({figures(row)})", f"±{row.noise_percent:.1f}%",
            str(row.must_reach or ""), str(row.aim_at or ""), row.verdict,
        ))
    widths = [max(len(cell) for cell in column) for column in zip(*lines)]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(" | ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


def figures(row):
    digits = 0 if row.against_median >= 100 else 2
    return f"{row.work_median:,.{digits}f} : {row.against_median:,.{digits}f} {row.unit}"


def surroundings(bench):
    """What the figures depend on, besides the code."""
    def first_line(*command):
        return subprocess.run(command, capture_output=True, text=True).stdout.split("\n")[0]

    def git(*command):
        return subprocess.run(["git", *command], cwd=HERE, capture_output=True, text=True).stdout.strip()

    cpus = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.split(":")[1].strip() for line in cpus if line.startswith("model name")]
    return {
        "measured_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": git("rev-parse", "--short", "HEAD"),
        "uncommitted_sources": bool(git("status", "--porcelain", "--", "../src", "../sql", "../postgrest")),
        "machine": f"{len(models)} x {models[0] if models else platform.machine()}, Linux {platform.release()}",
        "postgresql": bench.stack.value("show server_version"),
        "postgrest": first_line(os.environ["POSTGREST"], "--version"),
        "caddy": first_line("caddy", "version"),
        "settings": SETTINGS,
        "load_average_before": os.getloadavg(),
    }


def library():
    """What is installed, as a number that changes with the next build; None if there is nothing."""
    folder = subprocess.check_output([os.environ["PG_CONFIG"], "--pkglibdir"], text=True).strip()
    path = Path(folder) / "projectalpha_store.so"
    return path.stat().st_mtime_ns if path.exists() else None


def read_settings_of_the_scripts():
    """Where programs are is known to scripts/common.sh alone."""
    command = '. scripts/common.sh && printf "%s\\n" "$PG_CONFIG" "$POSTGREST"'
    values = subprocess.check_output(["bash", "-c", command], cwd=HERE.parent, text=True).splitlines()
    os.environ.update(zip(("PG_CONFIG", "POSTGREST"), values, strict=True))


def main():
    given = arguments()
    # An end from outside takes the stack down as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    read_settings_of_the_scripts()
    build = library()
    if build is None:
        sys.exit("the extension is not installed: `make install` first")
    say("starting a stack")
    with running(given.rounds, given.seconds, say) as bench:
        about = surroundings(bench)
        rows, failures = measure(bench, given.only)
    about["load_average_after"] = os.getloadavg()
    about["seconds"] = round(time.monotonic() - STARTED)

    print(f"\n{table(rows)}\n")
    print(f"{about['machine']}; PostgreSQL {about['postgresql']}; load average at the start "
          f"{about['load_average_before'][0]:.1f}; {about['seconds']} s")
    for row in rows:
        if row.note:
            print(f"{row.work}: {row.note}")
    for name, reason in failures.items():
        print(f"could not be measured: {name}: {reason}")
    if library() != build:
        print("ATTENTION: another build of the extension was installed while this was running")
    if given.output and rows:
        given.output.mkdir(parents=True, exist_ok=True)
        result = about | {"rows": [row.as_json() for row in rows], "failures": failures}
        (given.output / "latest.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
        (given.output / "latest.svg").write_text(draw(rows, about))
        print(f"written: {os.path.relpath(given.output)}/latest.json and latest.svg")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
