//! Which tables take a record without a pinned search_path.

#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    use crate::model::schema::FieldType;
    use crate::pg::acting::as_owner_with_pinned_path;
    use crate::pg::builtin_code::InsertCode;
    use crate::pg::compat::{lock_relation, LOCK_FOR_WRITING};

    const PREPARED: &str = "
        SELECT projectalpha.register_tool('t', 'token-of-the-tool',
            '[{\"name\": \"n\", \"type\": \"int\"}, {\"name\": \"s\", \"type\": \"str\"}]');
        CREATE SCHEMA x;
        GRANT USAGE ON SCHEMA x TO projectalpha_owner;
        CREATE TABLE x.log (id bigint GENERATED ALWAYS AS IDENTITY, n bigint, s text,
            who text DEFAULT current_user, at timestamptz DEFAULT now());
        CREATE TABLE x.more (n bigint PRIMARY KEY);
        GRANT SELECT, INSERT, UPDATE ON x.log, x.more TO projectalpha_owner;
        CREATE FUNCTION x.same(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1';
        CREATE FUNCTION x.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE DOMAIN x.small AS bigint CHECK (VALUE < 10)";

    /// Other tables that an INSERT reaches if it runs PostgreSQL's code alone.
    fn reach_after(ddl: &str) -> Option<usize> {
        Spi::run(ddl).unwrap();
        let oid = Spi::get_one::<pg_sys::Oid>("SELECT 'projectalpha_data.tool_t'::regclass::oid")
            .unwrap()
            .unwrap();
        lock_relation(oid, LOCK_FOR_WRITING);
        let fields = [("n", FieldType::Int), ("s", FieldType::Str)];
        let code = as_owner_with_pinned_path(|| InsertCode::of(oid, &fields));
        code.builtin_reach.map(|reach| reach.len())
    }

    fn expect(cases: &[(&str, Option<usize>)]) {
        Spi::run(PREPARED).unwrap();
        for (ddl, expected) in cases {
            let ddl = ddl.replace("{t}", "projectalpha_data.tool_t");
            assert_eq!(reach_after(&ddl), *expected, "{ddl}");
        }
    }

    #[pg_test]
    fn what_postgresql_does_by_itself_needs_no_path() {
        expect(&[
            ("SELECT 1", Some(0)),
            ("ALTER TABLE {t} ALTER COLUMN n TYPE integer", Some(0)),
            ("ALTER TABLE {t} ADD CHECK (n < 10 AND s ~ 'x')", Some(0)),
            ("ALTER TABLE {t} ADD COLUMN u uuid DEFAULT gen_random_uuid()", Some(0)),
            ("ALTER TABLE {t} ADD COLUMN c text DEFAULT current_user", Some(0)),
            ("ALTER TABLE {t} ADD COLUMN d bigint GENERATED ALWAYS AS (n * 2) STORED", Some(0)),
            ("CREATE INDEX ON {t} (lower(s)) WHERE n > 1", Some(0)),
            ("CREATE TRIGGER b BEFORE UPDATE ON {t} FOR EACH ROW EXECUTE FUNCTION x.keep()", Some(0)),
            ("ALTER TABLE {t} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", Some(0)),
            ("CREATE POLICY p ON {t} USING (current_user = 'projectalpha_owner')", Some(0)),
            ("CREATE RULE r AS ON INSERT TO {t} DO ALSO INSERT INTO x.log (n, s) VALUES (NEW.n, NEW.s)", Some(1)),
            ("CREATE RULE r AS ON INSERT TO x.log WHERE NEW.n > 1 DO ALSO INSERT INTO x.more VALUES (NEW.n)", Some(2)),
            ("CREATE RULE s AS ON INSERT TO x.more DO ALSO INSERT INTO x.log (n) VALUES (1)", Some(2)),
        ]);
    }

    /// Each of these may run code that looks at the path; what undoes it comes after it.
    #[pg_test]
    fn code_of_others_needs_a_path() {
        expect(&[
            ("ALTER TABLE {t} ADD CONSTRAINT c CHECK (x.same(s) = s)", None),
            ("ALTER TABLE {t} DROP CONSTRAINT c", Some(0)),
            ("ALTER TABLE {t} ADD COLUMN c regclass DEFAULT to_regclass('log')", None),
            ("ALTER TABLE {t} DROP COLUMN c", Some(0)),
            ("ALTER TABLE {t} ADD COLUMN c name DEFAULT current_schema", None),
            ("ALTER TABLE {t} DROP COLUMN c", Some(0)),
            ("ALTER TABLE {t} ADD COLUMN c text DEFAULT current_setting('search_path')", None),
            ("ALTER TABLE {t} DROP COLUMN c", Some(0)),
            ("ALTER TABLE {t} ALTER COLUMN n TYPE x.small", None),
            ("ALTER TABLE {t} ALTER COLUMN n TYPE bigint", Some(0)),
            ("ALTER TABLE {t} ALTER COLUMN s TYPE regclass USING NULL", None),
            ("ALTER TABLE {t} ALTER COLUMN s TYPE text", Some(0)),
            ("CREATE TRIGGER b BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION x.keep()", None),
            ("DROP TRIGGER b ON {t}", Some(0)),
            ("ALTER TABLE {t} ADD CONSTRAINT f FOREIGN KEY (n) REFERENCES x.more", None),
            ("ALTER TABLE {t} DROP CONSTRAINT f", Some(0)),
            ("CREATE INDEX i ON {t} (x.same(s))", None),
            ("DROP INDEX projectalpha_data.i", Some(0)),
            ("ALTER TABLE {t} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON {t} USING (n IN (SELECT m.n FROM x.more AS m))", None),
            ("ALTER POLICY p ON {t} USING (x.same(s) = s)", None),
            ("DROP POLICY p ON {t}", Some(0)),
            ("CREATE RULE r AS ON INSERT TO {t} WHERE x.same(NEW.s) = NEW.s DO ALSO INSERT INTO x.log (n) VALUES (1)", None),
            ("CREATE OR REPLACE RULE r AS ON INSERT TO {t} DO ALSO INSERT INTO x.log (s) VALUES (x.same(NEW.s))", None),
            ("CREATE OR REPLACE RULE r AS ON INSERT TO {t} DO ALSO INSERT INTO x.log (n) SELECT m.n FROM x.more AS m", None),
            ("CREATE OR REPLACE RULE r AS ON INSERT TO {t} DO ALSO UPDATE x.log SET n = 1 WHERE n = NEW.n", None),
            ("CREATE OR REPLACE RULE r AS ON INSERT TO {t} DO ALSO INSERT INTO x.more VALUES (1) ON CONFLICT (n) DO UPDATE SET n = 2", None),
            ("CREATE OR REPLACE RULE r AS ON INSERT TO {t} DO ALSO NOTIFY stored", None),
            ("CREATE OR REPLACE RULE r AS ON INSERT TO {t} DO ALSO INSERT INTO x.log (n) VALUES (1)", Some(1)),
            ("CREATE TRIGGER b BEFORE INSERT ON x.log FOR EACH ROW EXECUTE FUNCTION x.keep()", None),
            ("DROP TRIGGER b ON x.log", Some(1)),
            ("ALTER TABLE x.log ADD CONSTRAINT c CHECK (x.same(s) = s)", None),
            ("ALTER TABLE x.log DROP CONSTRAINT c", Some(1)),
            ("ALTER TABLE x.log ADD COLUMN c x.small", None),
            ("ALTER TABLE x.log DROP COLUMN c", Some(1)),
            ("ALTER TABLE x.log ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON x.log USING (x.same(s) = s)", None),
            ("ALTER TABLE x.log DISABLE ROW LEVEL SECURITY; DROP POLICY p ON x.log", Some(1)),
            ("REVOKE INSERT ON x.log FROM projectalpha_owner", None),
            ("GRANT INSERT ON x.log TO projectalpha_owner", Some(1)),
        ]);
    }

    #[pg_test]
    fn rules_count_if_they_fire() {
        let ddl = "CREATE RULE r AS ON INSERT TO {t} DO ALSO INSERT INTO x.log (n) VALUES (NEW.n)";
        expect(&[
            (ddl, Some(1)),
            ("ALTER TABLE {t} DISABLE RULE r", Some(0)),
            ("ALTER TABLE {t} ENABLE REPLICA RULE r", None),
            ("ALTER TABLE {t} ENABLE ALWAYS RULE r", Some(1)),
        ]);
    }

    /// What others add to PostgreSQL's own.
    #[pg_test]
    fn what_is_not_postgresqls_own_any_more_needs_a_path() {
        expect(&[
            ("ALTER TABLE {t} ADD COLUMN c xml DEFAULT xmlelement(name a, 'pg_class'::regclass)", None),
            ("ALTER TABLE {t} DROP COLUMN c", Some(0)),
            ("CREATE TYPE x.j; CREATE FUNCTION x.j_in(cstring) RETURNS x.j LANGUAGE internal IMMUTABLE STRICT AS 'textin';
              CREATE FUNCTION x.j_out(x.j) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
              CREATE TYPE x.j (INPUT = x.j_in, OUTPUT = x.j_out, LIKE = text);
              CREATE CAST (json AS x.j) WITHOUT FUNCTION AS IMPLICIT", None),
            ("DROP CAST (json AS x.j)", Some(0)),
            ("CREATE TEXT SEARCH DICTIONARY x.words (TEMPLATE = pg_catalog.simple);
              ALTER TEXT SEARCH CONFIGURATION pg_catalog.simple ALTER MAPPING FOR asciiword WITH x.words", None),
            ("ALTER TEXT SEARCH CONFIGURATION pg_catalog.simple ALTER MAPPING FOR asciiword WITH pg_catalog.simple", Some(0)),
        ]);
    }

    #[pg_test]
    fn so_many_tables_are_not_looked_at() {
        expect(&[(
            "DO $$ BEGIN
                 FOR i IN 0..9 LOOP EXECUTE format('CREATE TABLE x.l%s (n bigint); GRANT INSERT ON x.l%1$s TO projectalpha_owner', i); END LOOP;
                 FOR i IN 0..8 LOOP EXECUTE format('CREATE RULE r AS ON INSERT TO x.l%s DO ALSO INSERT INTO x.l%s VALUES (1)', i, i + 1); END LOOP;
             END $$;
             CREATE RULE r AS ON INSERT TO {t} DO ALSO INSERT INTO x.l0 VALUES (1)",
            None,
        )]);
    }
}
