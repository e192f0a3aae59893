"""No code on a tool's table, or on what it writes to, finds anything by the search_path of whoever stores a record."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from cluster import rows, value
from stack import eventually
from twins import PAYLOADS, PREPARED, VARIANTS, contents, insert, make, store_record

# What only looks as if it were PostgreSQL's own: {t} is the table, and each calls public.looks, which looks at the path.
LOOKS = """
CREATE FUNCTION public.looks() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('search_path') ~ 'hostile' THEN
        RAISE EXCEPTION 'found by the path of the caller';
    END IF;
    RETURN true;
END $$;
CREATE FUNCTION public.compare(bigint, bigint) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM public.looks(); RETURN btint8cmp($1, $2); END';
CREATE FUNCTION public.hashed(bigint, bigint) RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM public.looks(); RETURN hashint8extended($1, $2); END';
CREATE FUNCTION public.compare(json, json) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM public.looks(); RETURN bttextcmp($1::text, $2::text); END';
CREATE FUNCTION public.same(json, json) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM public.looks(); RETURN $1::text = $2::text; END';
CREATE FUNCTION public.less(json, json) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM public.looks(); RETURN $1::text < $2::text; END';
CREATE FUNCTION public.as_uuid(text) RETURNS uuid IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM public.looks(); RETURN uuid_in(textout($1)); END';
CREATE OPERATOR CLASS public.ordered FOR TYPE bigint USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 public.compare(bigint, bigint);
CREATE OPERATOR CLASS public.spread FOR TYPE bigint USING hash AS OPERATOR 1 =, FUNCTION 2 public.hashed(bigint, bigint);
"""
NOT_BUILTIN = {
    "an index": "CREATE UNIQUE INDEX ON {t} (n public.ordered)",
    "an index of the table that a key refers to": "CREATE TABLE public.known (n bigint NOT NULL); INSERT INTO public.known VALUES (1), (2); CREATE UNIQUE INDEX u ON public.known (n public.ordered); ALTER TABLE {t} ADD FOREIGN KEY (n) REFERENCES public.known (n)",
    "partitions of the table that a key refers to": "CREATE TABLE public.known (n bigint PRIMARY KEY) PARTITION BY HASH (n public.spread); CREATE TABLE public.part PARTITION OF public.known FOR VALUES WITH (MODULUS 1, REMAINDER 0); INSERT INTO public.known VALUES (1), (2); ALTER TABLE {t} ADD FOREIGN KEY (n) REFERENCES public.known",
    "a cast of a key": "CREATE CAST (text AS uuid) WITH FUNCTION public.as_uuid AS IMPLICIT; CREATE TABLE public.known (u uuid PRIMARY KEY); INSERT INTO public.known VALUES ('00000000-0000-0000-0000-000000000001'), ('00000000-0000-0000-0000-000000000002'); ALTER TABLE {t} ADD FOREIGN KEY (s) REFERENCES public.known",
    "how arrays are compared": "CREATE OPERATOR public.= (FUNCTION = public.same, LEFTARG = json, RIGHTARG = json); CREATE OPERATOR public.< (FUNCTION = public.less, LEFTARG = json, RIGHTARG = json); CREATE OPERATOR CLASS public.of_json DEFAULT FOR TYPE json USING btree AS OPERATOR 1 public.<, OPERATOR 3 public.=, FUNCTION 1 public.compare(json, json); ALTER TABLE {t} ADD COLUMN k json[] DEFAULT ARRAY['1'::json], ADD CHECK (k <> ARRAY['2'::json])",
    "how that is compared which a type is taken for": "CREATE TYPE public.jt; CREATE FUNCTION public.jin(cstring) RETURNS public.jt LANGUAGE internal IMMUTABLE STRICT AS 'textin'; CREATE FUNCTION public.jout(public.jt) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout'; CREATE TYPE public.jt (INPUT = public.jin, OUTPUT = public.jout, LIKE = text); CREATE FUNCTION public.compare(public.jt, public.jt) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM public.looks(); RETURN 1; END'; CREATE FUNCTION public.same(public.jt, public.jt) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM public.looks(); RETURN false; END'; CREATE OPERATOR public.= (FUNCTION = public.same, LEFTARG = public.jt, RIGHTARG = public.jt); CREATE OPERATOR public.< (FUNCTION = public.same, LEFTARG = public.jt, RIGHTARG = public.jt); CREATE OPERATOR CLASS public.of_jt DEFAULT FOR TYPE public.jt USING btree AS OPERATOR 1 public.<, OPERATOR 3 public.=, FUNCTION 1 public.compare(public.jt, public.jt); CREATE CAST (json AS public.jt) WITHOUT FUNCTION AS IMPLICIT; ALTER TABLE {t} ADD COLUMN k json[] DEFAULT ARRAY['1'::json], ADD CHECK (k <> ARRAY['2'::json])",
    "a cast": "CREATE CAST (text AS uuid) WITH FUNCTION public.as_uuid AS ASSIGNMENT; ALTER TABLE {t} ALTER COLUMN s TYPE uuid USING s::uuid",
    "a default": "ALTER TABLE {t} ADD COLUMN extra boolean DEFAULT public.looks()",
    "a domain": "CREATE DOMAIN public.watched AS bigint CHECK (VALUE > 0 AND public.looks()); ALTER TABLE {t} ALTER COLUMN n TYPE public.watched",
    "a domain that is no field": "CREATE DOMAIN public.watched AS bigint CHECK (public.looks()); ALTER TABLE {t} ADD COLUMN c public.watched",
    "row security": "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON {t} USING (true) WITH CHECK (public.looks())",
    "row security that reads a view": "CREATE VIEW public.looking AS SELECT public.looks() AS ok; GRANT SELECT ON public.looking TO projectalpha_owner; ALTER TABLE {t} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON {t} USING (true) WITH CHECK ((SELECT ok FROM public.looking))",
    "a rule": "CREATE TABLE public.log (ok boolean); GRANT INSERT ON public.log TO projectalpha_owner; CREATE RULE r AS ON INSERT TO {t} DO ALSO INSERT INTO public.log VALUES (public.looks())",
    "the condition of a rule": "CREATE TABLE public.log (n bigint); GRANT INSERT ON public.log TO projectalpha_owner; CREATE RULE r AS ON INSERT TO {t} WHERE public.looks() DO ALSO INSERT INTO public.log VALUES (NEW.n)",
    "a rule that reads a view": "CREATE VIEW public.looking AS SELECT public.looks() AS ok; CREATE TABLE public.log (ok boolean); GRANT SELECT, INSERT ON public.looking, public.log TO projectalpha_owner; CREATE RULE r AS ON INSERT TO {t} DO ALSO INSERT INTO public.log SELECT ok FROM public.looking",
    "the condition of a rule that reads a view": "CREATE VIEW public.looking AS SELECT public.looks() AS ok; CREATE TABLE public.log (n bigint); GRANT INSERT ON public.log TO projectalpha_owner; GRANT SELECT ON public.looking TO projectalpha_owner; CREATE RULE r AS ON INSERT TO {t} WHERE (SELECT ok FROM public.looking) DO ALSO INSERT INTO public.log VALUES (NEW.n)",
    "the default of a table that a rule writes to": "CREATE TABLE public.log (n bigint, ok boolean DEFAULT public.looks()); GRANT INSERT ON public.log TO projectalpha_owner; CREATE RULE r AS ON INSERT TO {t} DO ALSO INSERT INTO public.log VALUES (NEW.n)",
    "the check of a table that a rule writes to": "CREATE TABLE public.log (n bigint CHECK (public.looks())); GRANT INSERT ON public.log TO projectalpha_owner; CREATE RULE r AS ON INSERT TO {t} DO ALSO INSERT INTO public.log VALUES (NEW.n)",
    "the row security of a table that a rule writes to": "CREATE TABLE public.log (n bigint); GRANT INSERT ON public.log TO projectalpha_owner; ALTER TABLE public.log ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON public.log WITH CHECK (public.looks()); CREATE RULE r AS ON INSERT TO {t} DO ALSO INSERT INTO public.log VALUES (NEW.n)",
    "the rule of a table that a rule writes to": "CREATE TABLE public.log (n bigint); CREATE TABLE public.logged (ok boolean); GRANT INSERT ON public.log, public.logged TO projectalpha_owner; CREATE RULE s AS ON INSERT TO public.log DO ALSO INSERT INTO public.logged VALUES (public.looks()); CREATE RULE r AS ON INSERT TO {t} DO ALSO INSERT INTO public.log VALUES (NEW.n)",
    "the index of a table that a rule writes to": "CREATE TABLE public.log (n bigint); CREATE INDEX ON public.log (n public.ordered); GRANT INSERT ON public.log TO projectalpha_owner; CREATE RULE r AS ON INSERT TO {t} DO ALSO INSERT INTO public.log VALUES (NEW.n)",
    "a type of a table that a rule writes to": "CREATE DOMAIN public.watched AS bigint CHECK (public.looks()); CREATE TABLE public.log (n public.watched); GRANT INSERT ON public.log TO projectalpha_owner; CREATE RULE r AS ON INSERT TO {t} DO ALSO INSERT INTO public.log VALUES (NEW.n)",
    "a trigger of a table that a rule writes to": "CREATE TABLE public.log (n bigint); CREATE FUNCTION public.fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM public.looks(); RETURN NEW; END'; CREATE TRIGGER b BEFORE INSERT ON public.log FOR EACH ROW EXECUTE FUNCTION public.fires(); GRANT INSERT ON public.log TO projectalpha_owner; CREATE RULE r AS ON INSERT TO {t} DO ALSO INSERT INTO public.log VALUES (NEW.n)",
    "a rule that updates a table with a trigger": "CREATE TABLE public.log (n bigint); INSERT INTO public.log VALUES (1); CREATE FUNCTION public.fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM public.looks(); RETURN NEW; END'; CREATE TRIGGER b BEFORE UPDATE ON public.log FOR EACH ROW EXECUTE FUNCTION public.fires(); GRANT SELECT, UPDATE ON public.log TO projectalpha_owner; CREATE RULE r AS ON INSERT TO {t} DO ALSO UPDATE public.log SET n = NEW.n",
}


@pytest.mark.parametrize("what", NOT_BUILTIN)
def test_code_that_is_not_postgresqls_own_never_runs_with_the_path_of_the_caller(both, what):
    db, tool, _ = both
    make(db, (tool,), LOOKS, NOT_BUILTIN[what])
    db.execute("CREATE SCHEMA hostile; SET search_path = hostile, pg_catalog")
    stored = [store_record(db, {"n": n, "s": f"00000000-0000-0000-0000-00000000000{n}"}) for n in (1, 2)]
    assert all(isinstance(answer, int) for answer in stored), stored


def test_names_in_a_value_are_not_looked_up_in_the_path_of_the_caller(both):
    db, tool, _ = both
    make(db, (tool,), "ALTER TABLE {t} ALTER COLUMN s TYPE regclass USING NULL")
    db.execute("CREATE SCHEMA hostile; CREATE TABLE hostile.pg_class (n int); SET search_path = hostile, pg_catalog")
    assert store_record(db, {"s": "pg_class"}) == 1
    assert value(db, "SELECT s::oid::bigint FROM projectalpha_data.tool_hand") == 1259


def test_what_a_rule_writes_to_may_change_under_a_warm_session(both, cluster):
    db, tool, twin = both
    make(db, (tool, twin), PREPARED, VARIANTS["rule to a log"])
    changes = [
        "SELECT 1",
        "CREATE TRIGGER b BEFORE INSERT ON {x}.log FOR EACH ROW EXECUTE FUNCTION {x}.on_row()",
        "DROP TRIGGER b ON {x}.log",
        "ALTER TABLE {x}.log ADD CHECK ({x}.folded(s) = s) NOT VALID",
        "ALTER TABLE {x}.log ALTER COLUMN who SET DEFAULT {x}.folded('WHO'), ADD COLUMN c {x}.small",
        "CREATE RULE more AS ON INSERT TO {x}.log DO ALSO INSERT INTO {x}.seen (what, path) VALUES ('log', current_setting('search_path'))",
        "REVOKE INSERT ON {x}.log FROM projectalpha_owner",
        "GRANT INSERT ON {x}.log TO projectalpha_owner",
        "DROP RULE also ON {t}",
    ]
    with cluster.another(db) as administrator:
        for change in changes:
            make(administrator, (tool, twin), change)
            for payload in PAYLOADS:
                assert store_record(db, payload) == insert(db, payload), (change, payload)
            assert contents(db, tool) == contents(db, twin), change


@pytest.mark.parametrize("setting", ["", "SET search_path = of_tool"])
def test_code_that_comes_while_a_record_waits_does_not_see_the_path_of_the_caller(both, cluster, setting):
    db, tool, _ = both
    make(db, (tool,), PREPARED, VARIANTS["rule to a log"])
    db.execute("CREATE SCHEMA hostile; SET search_path = hostile, public")
    assert store_record(db, {"n": 1}) == 1
    with cluster.another(db) as administrator, ThreadPoolExecutor(1) as thread:
        with administrator.transaction():
            administrator.execute(
                f"""CREATE FUNCTION of_tool.late() RETURNS trigger LANGUAGE plpgsql {setting} AS $$
                    BEGIN
                        INSERT INTO of_tool.seen (what, path) VALUES ('late', current_setting('search_path'));
                        RETURN NEW;
                    END $$;
                    CREATE TRIGGER late BEFORE INSERT ON of_tool.log FOR EACH ROW EXECUTE FUNCTION of_tool.late()"""
            )
            waiting = thread.submit(store_record, db, {"n": 2})
            waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = %s"
            eventually(lambda: value(administrator, waits, db.info.backend_pid) == 1)
        assert waiting.result() == 2
    assert rows(db, "SELECT path FROM of_tool.seen WHERE what = 'late'") == [("of_tool" if setting else "pg_catalog, pg_temp",)]


def test_a_plan_that_fails_leaves_the_path_as_it_was(both):
    db, tool, twin = both
    make(db, (tool, twin), PREPARED, VARIANTS["rule that is refused"])
    db.execute("CREATE SCHEMA mine; CREATE TABLE mine.here (n int); SET search_path = mine")
    for _ in range(3):
        with db.transaction():
            assert store_record(db, {"n": 1}) == insert(db, {"n": 1})
            db.execute("SET search_path = mine")
            assert value(db, "SELECT count(*) FROM here") == 0
            assert value(db, "SELECT current_schema()::text") == "mine"


def test_a_value_is_written_without_the_path_of_the_caller(both):
    db, tool, _ = both
    make(db, (tool,), "ALTER TABLE {t} ADD COLUMN c xml DEFAULT xmlelement(name a, '{t}'::regclass)")
    db.execute("SET search_path = projectalpha_data")
    assert store_record(db, {"n": 1}) == 1
    assert value(db, "SELECT c::text FROM projectalpha_data.tool_hand") == "<a>projectalpha_data.tool_hand</a>"


def test_a_rule_that_does_not_fire_locks_nothing(both):
    db, tool, _ = both
    make(db, (tool,), PREPARED, VARIANTS["rule to a log"])
    locked = "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'of_tool.log'::regclass"

    def locks():
        with db.transaction():
            assert isinstance(store_record(db, {"n": 1}), int)
            return value(db, locked)

    assert locks() == 1
    for switch in ("DISABLE RULE", "ENABLE REPLICA RULE"):
        make(db, (tool,), f"ALTER TABLE {{t}} {switch} also")
        assert locks() == 0, switch
    make(db, (tool,), "ALTER TABLE {t} ENABLE RULE also")
    db.execute("SET session_replication_role = replica")
    assert locks() == 0
