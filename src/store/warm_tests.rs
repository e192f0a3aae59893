//! A warm call prepares no plan and reads no registry, on either road.

#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    use crate::pg::counters::counts;

    fn register(sensitive: bool) {
        Spi::run(&format!(
            "SELECT projectalpha.register_tool('warm', 'token-of-warm',
                '[{{\"name\": \"n\", \"type\": \"int\"}}]', sensitive => {sensitive})"
        ))
        .unwrap();
    }

    fn store_and_list() {
        for statement in [
            "SELECT projectalpha.store_record('warm', 'token-of-warm', '{\"n\": 1}')",
            "SELECT projectalpha.store_record('warm', 'token-of-warm', '{}')",
            "SELECT projectalpha.store_records('warm', 'token-of-warm', '[{\"n\": 1}, {}]')",
            "SELECT projectalpha.list_records('warm', 5, 0, 'token-of-warm')",
            "SELECT projectalpha.list_records('warm', 5, 1, 'token-of-warm', 1)",
        ] {
            Spi::run(statement).unwrap();
        }
    }

    /// Expects a second round to need nothing new. What other sessions do may have
    /// PostgreSQL tell this one to read everything again, at any time but not every time.
    fn expect_second_round_to_be_warm(round: impl Fn()) {
        round();
        let needed = || {
            let before = counts();
            round();
            counts() != before
        };
        assert!((0..3).any(|_| !needed()), "each round needs something new");
    }

    fn expect_warm_after_one_round() {
        expect_second_round_to_be_warm(store_and_list);
    }

    #[pg_test]
    fn a_plain_table_is_warm_after_one_round() {
        register(false);
        expect_warm_after_one_round();
    }

    #[pg_test]
    fn a_sensitive_tool_is_warm_after_one_round() {
        register(true);
        expect_warm_after_one_round();
    }

    #[pg_test]
    fn what_the_catalogue_says_of_a_tool_makes_nothing_cold() {
        register(false);
        store_and_list();
        Spi::run("SELECT projectalpha.update_tool_info('warm', '{\"owner\": \"me\"}')").unwrap();
        let before = counts();
        store_and_list();
        assert_eq!(counts(), before);
    }

    #[pg_test]
    fn a_table_that_needs_plans_is_warm_after_one_round() {
        register(false);
        Spi::run("ALTER TABLE projectalpha_data.tool_warm ALTER COLUMN n SET DEFAULT 7").unwrap();
        Spi::run(
            "CREATE TABLE seen (n bigint);
             GRANT INSERT ON seen TO projectalpha_owner;
             CREATE RULE also AS ON INSERT TO projectalpha_data.tool_warm
                 DO ALSO INSERT INTO seen VALUES (NEW.n)",
        )
        .unwrap();
        let before = counts();
        expect_warm_after_one_round();
        assert!(counts()[0] > before[0], "this road does prepare plans");
        let sevens =
            Spi::get_one::<i64>("SELECT count(*) FROM projectalpha_data.tool_warm WHERE n = 7");
        // Two in each round.
        assert!(sevens.is_ok_and(|n| n >= Some(4)));
    }

    /// What administrators add takes a table off the direct road, but not to plans.
    #[pg_test]
    fn a_table_with_more_to_it_needs_no_plan() {
        register(false);
        Spi::run(
            "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
             CREATE TABLE known (n bigint PRIMARY KEY);
             INSERT INTO known VALUES (1)",
        )
        .unwrap();
        // What looks at a table for the first time has a plan of its own.
        Spi::run("ALTER TABLE projectalpha_data.tool_warm ADD CHECK (n > -1)").unwrap();
        let store = || {
            Spi::run("SELECT projectalpha.store_record('warm', 'token-of-warm', '{\"n\": 1}')")
                .unwrap();
        };
        store();
        for ddl in [
            "ADD CHECK (n < 10)",
            "ALTER COLUMN n TYPE integer",
            "ADD COLUMN c text NOT NULL DEFAULT 'x'",
            "ADD COLUMN twice bigint GENERATED ALWAYS AS (n * 2) STORED",
            "ADD FOREIGN KEY (n) REFERENCES known",
            "ENABLE ROW LEVEL SECURITY",
        ] {
            Spi::run(&format!("ALTER TABLE projectalpha_data.tool_warm {ddl}")).unwrap();
            let before = counts()[0];
            store();
            assert_eq!(counts()[0], before, "{ddl}");
        }
        for event in [
            "BEFORE INSERT ON projectalpha_data.tool_warm FOR EACH ROW",
            "AFTER INSERT ON projectalpha_data.tool_warm FOR EACH ROW",
            "AFTER INSERT ON projectalpha_data.tool_warm REFERENCING NEW TABLE AS added",
        ] {
            let name = event.len();
            Spi::run(&format!(
                "CREATE TRIGGER t{name} {event} EXECUTE FUNCTION keep()"
            ))
            .unwrap();
            let before = counts()[0];
            store();
            assert_eq!(counts()[0], before, "{event}");
        }
    }

    /// Rules, versions and unique fields do not take a table off the direct road.
    #[pg_test]
    fn a_tool_with_rules_needs_no_plan() {
        Spi::run(
            "SELECT projectalpha.register_tool('ruled', 'token-of-ruled',
                '[{\"name\": \"n\", \"type\": \"int\", \"required\": true, \"unique\": true, \"max\": 9},
                  {\"name\": \"s\", \"type\": \"str\", \"default\": \"x\", \"index\": true}]',
                versioned => true, strict => true, notify => true, max_records => 100)",
        )
        .unwrap();
        let store = |n: i32| {
            let payload = format!("{{\"n\": {n}}}");
            let sql = "SELECT projectalpha.store_record('ruled', 'token-of-ruled', $1::jsonb)";
            Spi::run_with_args(sql, &[payload.as_str().into()]).unwrap();
        };
        store(1); // reads the registry, and counts for the limit
        let before = counts();
        store(2);
        assert_eq!(counts(), before);
        let rows = Spi::get_one::<i64>(
            "SELECT count(*) FROM projectalpha_data.tool_ruled
             WHERE s = 'x' AND version = 1 AND updated_at = created_at AND n IN (1, 2)",
        );
        assert_eq!(rows, Ok(Some(2)));
    }

    /// What a project's token needs beyond the tool is one look-up in the session.
    #[pg_test]
    fn tenants_are_warm_after_one_round() {
        register(true);
        for project in ["a", "b"] {
            Spi::run(&format!(
                "SELECT projectalpha.enable_tool('warm', projectalpha.create_project('{project}'), 'token-of-{project}')"
            ))
            .unwrap();
        }
        let round = || {
            for project in ["a", "b"] {
                for statement in [
                    "projectalpha.store_record('warm', 'TOKEN', '{\"n\": 1}')",
                    "projectalpha.store_record('warm', 'TOKEN', '{}', gen_random_uuid()::text)",
                    "projectalpha.store_records('warm', 'TOKEN', '[{\"n\": 1}, {}]')",
                    "projectalpha.list_records('warm', 5, 0, 'TOKEN')",
                    "projectalpha.get_record('warm', 1, 'TOKEN')",
                    "projectalpha.count_records('warm', token => 'TOKEN')",
                ] {
                    let token = format!("token-of-{project}");
                    Spi::run(&format!("SELECT {}", statement.replace("TOKEN", &token))).unwrap();
                }
            }
            store_and_list();
        };
        expect_second_round_to_be_warm(round);
    }

    /// Who an agent is is kept with what its credential allows.
    #[pg_test]
    fn agents_are_warm_after_one_round() {
        register(true);
        Spi::run(
            "SELECT projectalpha.create_policy('warm', 'all', 'allow', '{read,write}');
             CREATE TEMP TABLE held AS
             SELECT projectalpha.issue_credential(agent_id, 'warm', '{read,write}', '1 hour') AS token
               FROM projectalpha.create_agent('Ann', roles => '{a,b}')",
        )
        .unwrap();
        let round = || {
            for statement in [
                "projectalpha.store_record('warm', token, '{\"n\": 1}')",
                "projectalpha.store_records('warm', token, '[{}]')",
                "projectalpha.list_records('warm', 5, 0, token)",
            ] {
                Spi::run(&format!("SELECT {statement} FROM held")).unwrap();
            }
        };
        round();
        let before = counts();
        round();
        assert_eq!(counts(), before);
    }

    /// More tenants than a small cache of tools has room for, fewer than it has tokens.
    #[pg_test]
    fn credentials_are_kept_apart_from_tools() {
        Spi::run("SET projectalpha_store.cache_size = 2").unwrap();
        register(true);
        for n in 0..6 {
            Spi::run(&format!(
                "SELECT projectalpha.rotate_token('warm', '1 hour', 'token-of-warm-{n}')"
            ))
            .unwrap();
        }
        let round = || {
            for n in 0..6 {
                Spi::run(&format!(
                    "SELECT projectalpha.store_record('warm', 'token-of-warm-{n}', '{{}}')"
                ))
                .unwrap();
            }
        };
        expect_second_round_to_be_warm(round);
    }

    #[pg_test]
    fn a_wrong_token_is_looked_up_every_time() {
        register(false);
        let reads = || counts()[1];
        let wrong = "SELECT projectalpha.store_record('warm', 'some-other-token', '{}')";
        let fails = || {
            PgTryBuilder::new(|| Spi::run(wrong).is_ok())
                .catch_others(|_| false)
                .execute()
        };
        let before = reads();
        assert!(!fails());
        assert!(reads() > before);
    }

    #[pg_test]
    fn the_cache_keeps_to_its_size() {
        Spi::run("SET projectalpha_store.cache_size = 2").unwrap();
        for name in ["lru_a", "lru_b", "lru_c"] {
            Spi::run(&format!(
                "SELECT projectalpha.register_tool('{name}', 'token-of-lru')"
            ))
            .unwrap();
        }
        let store = |name: &str| {
            let before = counts()[1];
            Spi::run(&format!(
                "SELECT projectalpha.store_record('{name}', 'token-of-lru', '{{}}')"
            ))
            .unwrap();
            counts()[1] > before
        };
        for name in ["lru_a", "lru_b", "lru_c"] {
            assert!(store(name), "{name} is new");
        }
        assert!(!store("lru_c") && !store("lru_b"), "the last two are kept");
        assert!(store("lru_a"), "the first had to go");
    }
}
