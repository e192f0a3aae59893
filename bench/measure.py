"""How things are measured: the CPU time of one backend, alternating rounds, medians and their noise."""

import statistics
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import psycopg


RECORD, CALL = "µs CPU per record", "µs CPU per call"  # units; a row may have any other, such as tps


class Goal(NamedTuple):
    sign: str
    bound: float

    def __str__(self):
        return f"{self.sign} {self.bound:g}x"

    def holds(self, ratio):
        return ratio <= self.bound if self.sign == "<=" else ratio >= self.bound


def at_most(bound):
    return Goal("<=", bound)


def at_least(bound):
    return Goal(">=", bound)


@dataclass
class Row:
    """One line of the table: a ratio, with the absolute figures behind it."""

    case: str
    work: str
    against: str
    unit: str
    work_median: float
    against_median: float
    ratio: float
    noise_percent: float
    rounds: int
    must_reach: Goal | None
    aim_at: Goal | None
    lower_is_better: bool
    note: str = ""

    @property
    def verdict(self):
        if self.must_reach is None:
            return ""
        if self.must_reach.holds(self.ratio):
            return "yes"
        slack = 1 + self.noise_percent / 100
        near = self.must_reach.holds(self.ratio / slack) or self.must_reach.holds(self.ratio * slack)
        return "no, by less than the noise" if near else "NO"

    def as_json(self):
        goals = {"must_reach": str(self.must_reach or ""), "aim_at": str(self.aim_at or "")}
        return asdict(self) | goals | {"ok": self.must_reach.holds(self.ratio) if self.must_reach else None}


def compare(case, work, against, unit, works, againsts, must=None, aim=None, inverse=False, note=""):
    """The row for two series that were measured side by side. The ratio is taken round by round, which cancels what
    changes slowly (a neighbour on the machine, the clock of the CPU); `inverse` turns it over, for "x times less"."""
    pairs = [(b / a if inverse else a / b) for a, b in zip(works, againsts, strict=True)]
    ratio = statistics.median(pairs)
    lower_is_better = unit in (RECORD, CALL, "MB") and not inverse
    return Row(case, work, against, unit, statistics.median(works), statistics.median(againsts), ratio,
               half_spread(pairs) / ratio * 100, len(pairs), must, aim, lower_is_better, note)


def half_spread(values):
    """Half the interquartile range: what to expect the median to be off by, at worst."""
    if len(values) < 2:
        return 0.0
    lower, _, upper = statistics.quantiles(values, n=4, method="inclusive")
    return (upper - lower) / 2


def rotate(rounds, variants, between=lambda: None):
    """Measures each variant once per round, A B A B ..., after a round that does not count (caches, first plans).
    Gives the series by name. `between` runs after every measurement and makes the next one start like the last."""
    series = {name: [] for name in variants}
    for number in range(rounds + 1):
        for name, measure in variants.items():
            value = measure()
            between()
            if number > 0:
                series[name].append(value)
    return series


class Backend:
    """A session, and the CPU time of the server process behind it."""

    def __init__(self, dsn, **settings):
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self.connection = psycopg.connect(dsn, autocommit=True, options=options)
        self.pid = self.connection.info.backend_pid
        self.execute = self.connection.execute

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def cpu_ns(self):
        """Time on a CPU so far. The kernel settles the account when a process goes to sleep, as a backend does when it
        has answered; so wait until it has."""
        path = Path(f"/proc/{self.pid}/schedstat")
        before = -1
        while (now := int(path.read_text().split()[0])) != before:
            before = now
            time.sleep(0.002)
        return now

    @contextmanager
    def clock(self):
        """What runs inside is measured: `clock.ns` of the backend's CPU, `clock.seconds` of everybody's time."""
        clock = Clock()
        cpu, started = self.cpu_ns(), time.perf_counter()
        yield clock
        clock.seconds = time.perf_counter() - started
        clock.ns = self.cpu_ns() - cpu

    def cpu_us_each(self, statement, count):
        """Microseconds of CPU for each of the `count` things that the statement does."""
        with self.clock() as clock:
            self.execute(statement)
        return clock.ns / count / 1000


class Clock:
    ns = 0
    seconds = 0.0
