"""The reference in the README has every function, view and setting that there is, as it is."""

import re
from pathlib import Path

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()
REFERENCE = README[README.index("## Reference"):README.index("## How fast")]

FUNCTIONS = """
    SELECT p.proname, pg_get_function_arguments(p.oid) FROM pg_proc AS p
     WHERE p.pronamespace = 'projectalpha'::regnamespace AND p.prorettype <> 'trigger'::regtype"""
# What people may read: the views, and the tables that are granted to somebody.
VIEWS = """
    SELECT c.relname, string_agg(a.attname, ', ' ORDER BY a.attnum) FROM pg_class AS c
      JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relnamespace = 'projectalpha'::regnamespace AND c.relkind IN ('r', 'v')
       AND has_table_privilege('projectalpha_admin', c.oid, 'SELECT')
     GROUP BY c.relname"""


def written(name, arguments):
    """A function as the README writes it: names, short types, defaults in plain words."""
    arguments = re.sub(r"\bIN (\w+ )", r"\1", arguments)
    arguments = re.sub(r" DEFAULT NULL(::[\w ]+(\[\])?)?", " = null", arguments)
    arguments = re.sub(r" DEFAULT '00:00:00'::interval", " = '0'", arguments)
    arguments = re.sub(r" DEFAULT ('[^']*')::[\w ]+(\[\])?", r" = \1", arguments)
    arguments = arguments.replace("timestamp with time zone", "timestamptz")
    return f"{name}({arguments.replace(' DEFAULT ', ' = ').replace('integer', 'int')})"


def test_every_function_is_there_as_it_is_called(stack):
    there = sorted(written(*row) for row in stack.sql(FUNCTIONS))
    described = re.findall(r"^\| `(?:CALL )?(\w+\([^`]*\))` \|", REFERENCE, re.MULTILINE)
    assert sorted(described) == there


def test_every_view_is_there_with_its_columns(stack):
    described = re.findall(r"^\| `(\w+)`(?: \(a table\))? \| ((?:`\w+`(?:, )?){3,}) \|$", REFERENCE, re.MULTILINE)
    assert sorted((name, columns.replace("`", "")) for name, columns in described) == sorted(stack.sql(VIEWS))


def test_every_setting_is_there(stack):
    with stack.connect(autocommit=True) as connection:
        connection.execute("SELECT projectalpha.payload_bytes('{}')")  # loads the library
        there = connection.execute("SELECT name FROM pg_settings WHERE name ~ '^projectalpha'").fetchall()
    described = re.findall(r"^\| `(projectalpha_store\.\w+)` \|", REFERENCE, re.MULTILINE)
    assert sorted(described) == sorted(name for (name,) in there)
