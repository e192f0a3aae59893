//! The headers that our proxies add to a request for us.

use std::net::IpAddr;

use serde::Deserialize;

#[derive(Default, Deserialize)]
struct Headers {
    #[serde(rename = "x-client-address")]
    client_address: Option<String>,
    #[serde(rename = "x-asked-again")]
    asked_again: Option<String>,
}

/// From a JSON object as PostgREST makes it; what cannot be read has no headers.
fn parse(json: &str) -> Headers {
    serde_json::from_str(json).unwrap_or_default()
}

/// The address that the request came from. None if it is not there, or is no address.
pub fn client_address(json: &str) -> Option<IpAddr> {
    parse_address(&parse(json).client_address?)
}

/// True if the same request was made before.
pub fn asks_again(json: &str) -> bool {
    parse(json).asked_again.as_deref() == Some("1")
}

/// An address in text. Of an IPv6 address the zone is left out (`fe80::1%eth0`); an
/// IPv4 address that was mapped to IPv6 is an IPv4 address.
pub fn parse_address(text: &str) -> Option<IpAddr> {
    let address = match text.split_once('%') {
        Some((address, _zone)) if address.contains(':') => address,
        _ => text,
    };
    Some(address.parse::<IpAddr>().ok()?.to_canonical())
}

/// True if a list such as `authenticator, "Another"` has that name. A name that is
/// not quoted is taken as it is written, without folding.
pub fn names_role(list: &str, role: &str) -> bool {
    list.split(',').map(str::trim).any(|name| {
        let quoted = name.strip_prefix('"').and_then(|n| n.strip_suffix('"'));
        !role.is_empty() && quoted.unwrap_or(name) == role
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses() {
        for (text, address) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
        ] {
            assert_eq!(parse_address(text), address.parse().ok(), "{text}");
        }
        for text in [
            "",
            "unix:",
            "@",
            "localhost",
            "192.0.2.1:80",
            "[::1]",
            "192.0.2.1, 192.0.2.2",
            " 192.0.2.1",
            "192.0.2.1%eth0",
            "192.0.2.1/32",
        ] {
            assert_eq!(parse_address(text), None, "{text}");
        }
    }

    #[test]
    fn headers() {
        let of = |json| client_address(json).map(|address| address.to_string());
        let one =
            r#"{"accept":"*/*","x-client-address":"192.0.2.1","x_client_address":"192.0.2.2"}"#;
        assert_eq!(of(one).as_deref(), Some("192.0.2.1"));
        for none in [
            "",
            "{}",
            "[]",
            "null",
            r#"{"x-client-address":null}"#,
            r#"{"x-client-address":7}"#,
            r#"{"X-Client-Address":"192.0.2.1"}"#,
            r#"{"x-forwarded-for":"192.0.2.1"}"#,
            r#"{"x-client-address":"192.0.2.1","x-client-address":"192.0.2.2"}"#,
        ] {
            assert_eq!(of(none), None, "{none}");
        }
    }

    #[test]
    fn whether_it_is_asked_again() {
        assert!(asks_again(r#"{"x-asked-again":"1"}"#));
        for json in [
            "",
            "{}",
            r#"{"x-asked-again":""}"#,
            r#"{"x-asked-again":1}"#,
        ] {
            assert!(!asks_again(json), "{json}");
        }
    }

    #[test]
    fn roles() {
        assert!(names_role("authenticator", "authenticator"));
        assert!(names_role("a, \"B c\" ,d", "B c"));
        for (list, role) in [("", ""), (",", ""), ("a", "A"), ("a b", "a"), ("\"a", "a")] {
            assert!(!names_role(list, role), "{list}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_not(text in ".*") {
            let _ = client_address(&text);
            let _ = parse_address(&text);
        }

        #[test]
        fn what_is_written_is_read(address: u128, v4: u32) {
            let address = IpAddr::V6(address.into());
            prop_assert_eq!(parse_address(&address.to_string()), Some(address.to_canonical()));
            let address = IpAddr::V4(v4.into());
            prop_assert_eq!(parse_address(&address.to_string()), Some(address));
        }
    }
}
