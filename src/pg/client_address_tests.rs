//! Who is believed where a request comes from.

#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    use crate::model::rate_key::{RateKey, Subject};
    use crate::pg::{client_address, proxy, rate_limit};

    fn set_headers(json: &str) {
        Spi::get_one_with_args::<&str>(
            "SELECT pg_catalog.set_config('request.headers', $1, true)",
            &[json.into()],
        )
        .unwrap();
    }

    fn current() -> Option<String> {
        client_address::current().map(|address| address.to_string())
    }

    /// What PostgreSQL itself says of the connection.
    fn peer() -> Option<String> {
        Spi::get_one("SELECT pg_catalog.host(pg_catalog.inet_client_addr())").unwrap()
    }

    #[pg_test]
    fn the_header_is_believed_in_sessions_of_the_proxy_alone() {
        let header = r#"{"x-client-address": "::ffff:192.0.2.7"}"#;
        assert_eq!(current(), peer());
        set_headers(header);
        assert_eq!(current(), peer());

        Spi::run("CREATE ROLE authenticator; CREATE ROLE other_proxy").unwrap();
        // The role of the moment says nothing: SET ROLE is for every member.
        Spi::run("SET ROLE authenticator").unwrap();
        assert_eq!(current(), peer());
        Spi::run("RESET ROLE; SET SESSION AUTHORIZATION authenticator").unwrap();
        assert_eq!(current().as_deref(), Some("192.0.2.7"));
        for nowhere in ["{}", r#"{"x-client-address": "somewhere"}"#, "no JSON"] {
            set_headers(nowhere);
            assert_eq!(current(), None);
        }
        set_headers("");
        assert_eq!(current(), peer());

        set_headers(header);
        Spi::run("RESET SESSION AUTHORIZATION").unwrap();
        Spi::run("SET projectalpha_store.proxy_roles = 'some, other_proxy'").unwrap();
        Spi::run("SET SESSION AUTHORIZATION other_proxy").unwrap();
        assert_eq!(current().as_deref(), Some("192.0.2.7"));
        Spi::run("RESET SESSION AUTHORIZATION; SET SESSION AUTHORIZATION authenticator").unwrap();
        assert_eq!(current(), peer());
    }

    #[pg_test]
    fn what_is_asked_again_takes_nothing() {
        let hour = std::time::Duration::from_secs(3600);
        let key = RateKey {
            policy: -9,
            subject: Subject::Everybody,
        };
        let again = r#"{"x-asked-again": "1"}"#;
        set_headers(again);
        assert!(!proxy::asks_again());
        assert_eq!(rate_limit::take(&key, 1, hour), Ok(()));
        assert!(rate_limit::take(&key, 1, hour).is_err());
        Spi::run("CREATE ROLE authenticator; SET SESSION AUTHORIZATION authenticator").unwrap();
        assert!(proxy::asks_again());
        assert_eq!(rate_limit::take(&key, 1, hour), Ok(()));
        set_headers("{}");
        assert!(!proxy::asks_again());
        assert!(rate_limit::take(&key, 1, hour).is_err());
    }

    #[pg_test(error = "permission denied to set parameter \"projectalpha_store.proxy_roles\"")]
    fn nobody_makes_a_proxy_of_himself() {
        Spi::run("CREATE ROLE authenticator; SET SESSION AUTHORIZATION authenticator").unwrap();
        Spi::run("SET projectalpha_store.proxy_roles = 'anybody'").unwrap();
    }
}
