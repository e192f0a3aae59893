//! What single facts about a tool must look like. Each check gives what is kept,
//! or what is wanted instead, in words that go on from "must be".

use serde_json::Value;

/// How a service is called.
pub const AUTH_METHODS: [&str; 8] = [
    "none", "api_key", "basic", "bearer", "jwt", "oauth2", "mtls", "custom",
];

const MAX_URL: usize = 2048;
const MAX_VERSION: usize = 100;
const MAX_TAGS: usize = 32;
const MAX_TAG: usize = 50;
const MAX_SCOPES: usize = 50;
const MAX_SCOPE: usize = 50;

/// A line of text, less the blanks around it.
pub fn line(value: &Value, longest: usize) -> Result<String, String> {
    value
        .as_str()
        .map(str::trim)
        .filter(|text| is_line(text, longest))
        .map(str::to_owned)
        .ok_or_else(|| {
            format!("a string of 1 to {longest} characters, none of them a control character")
        })
}

fn is_line(text: &str, longest: usize) -> bool {
    !text.is_empty() && text.chars().count() <= longest && !text.chars().any(char::is_control)
}

/// An absolute URL of HTTP, without credentials: it is shown.
pub fn url(value: &Value) -> Result<String, String> {
    value
        .as_str()
        .filter(|url| is_http_url(url))
        .map(str::to_owned)
        .ok_or_else(|| {
            format!(
                "an absolute URL such as https://api.example.org/v1, with http or https, at most {MAX_URL} \
                 characters, without user, password, fragment and blanks"
            )
        })
}

fn is_http_url(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let is_http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let is_plain = |c: char| c.is_ascii_graphic() && !r#"{}<>"\^`|#"#.contains(c);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    is_http && url.len() <= MAX_URL && rest.chars().all(is_plain) && is_authority(authority)
}

/// A host, and perhaps a port.
fn is_authority(authority: &str) -> bool {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if address.parse::<std::net::Ipv6Addr>().is_ok() => (
                "v6",
                port.strip_prefix(':').or((!port.is_empty()).then_some("")),
            ),
            _ => return false,
        },
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let is_port = |port: &str| {
        port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|p| p > 0)
    };
    !host.is_empty()
        && host.len() <= 253
        && host.chars().all(is_host)
        && !host.starts_with('.')
        && !host.contains("..")
        && port.is_none_or(is_port)
}

pub fn auth_method(value: &Value) -> Result<String, String> {
    value
        .as_str()
        .filter(|method| AUTH_METHODS.contains(method))
        .map(str::to_owned)
        .ok_or_else(|| format!("one of {}", AUTH_METHODS.join(", ")))
}

/// A semantic version (semver.org, 2.0.0).
pub fn version(value: &Value) -> Result<String, String> {
    value
        .as_str()
        .filter(|version| version.len() <= MAX_VERSION && is_semantic(version))
        .map(str::to_owned)
        .ok_or_else(|| {
            format!("a semantic version such as 1.4.0 or 2.0.0-beta.1, at most {MAX_VERSION} characters")
        })
}

fn is_semantic(version: &str) -> bool {
    let (rest, build) = match version.split_once('+') {
        Some((rest, build)) => (rest, Some(build)),
        None => (version, None),
    };
    let (core, before) = match rest.split_once('-') {
        Some((core, before)) => (core, Some(before)),
        None => (rest, None),
    };
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let is_number = |part: &str| is_digits(part) && (part == "0" || !part.starts_with('0'));
    let is_word = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    core.split('.').count() == 3
        && core.split('.').all(is_number)
        && before.is_none_or(|b| {
            b.split('.')
                .all(|p| is_word(p) && (!is_digits(p) || is_number(p)))
        })
        && build.is_none_or(|b| b.split('.').all(is_word))
}

/// Tags, less the blanks around them, each once.
pub fn tags(value: &Value) -> Result<Vec<String>, String> {
    let wanted = || format!("an array of at most {MAX_TAGS} strings of 1 to {MAX_TAG} characters");
    let tags = value.as_array().ok_or_else(wanted)?;
    let mut kept: Vec<String> = Vec::new();
    for tag in tags {
        let tag = line(tag, MAX_TAG).map_err(|_| wanted())?;
        if !kept.contains(&tag) {
            kept.push(tag);
        }
        if kept.len() > MAX_TAGS {
            return Err(wanted());
        }
    }
    Ok(kept)
}

/// Names of scopes, each once.
pub fn scopes(value: &Value) -> Result<Vec<String>, String> {
    let wanted =
        || format!("an array of at most {MAX_SCOPES} names that match ^[a-z][a-z0-9_:-]{{0,49}}$");
    let scopes = value.as_array().ok_or_else(wanted)?;
    let mut kept: Vec<String> = Vec::new();
    for scope in scopes {
        let scope = scope.as_str().filter(|s| is_scope(s)).ok_or_else(wanted)?;
        if !kept.iter().any(|known| known == scope) {
            kept.push(scope.to_owned());
        }
        if kept.len() > MAX_SCOPES {
            return Err(wanted());
        }
    }
    Ok(kept)
}

fn is_scope(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= MAX_SCOPE
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_:-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn urls() {
        for good in [
            "https://api.example.org",
            "HTTP://localhost:8080/v1/{x}"
                .replace(['{', '}'], "")
                .as_str(),
            "https://[2001:db8::1]:443/",
            "https://[::1]",
            "http://10.0.0.1/a?b=c&d=%20",
            "https://a_b-c.example?x",
        ] {
            assert!(url(&json!(good)).is_ok(), "{good}");
        }
        for bad in [
            "",
            "api.example.org",
            "//api.example.org",
            "/v1",
            "ftp://example.org",
            "https://",
            "https:///x",
            "https://:80",
            "https://user:pw@example.org",
            "https://example.org#part",
            "https://example.org/a b",
            "https://example.org:0",
            "https://example.org:65536",
            "https://example.org:",
            "https://[::1]x",
            "https://[x]",
            "https://é.org",
            "https://a..b",
            "javascript://alert",
            "https://example.org/\n",
            "https://example.org:+80",
        ] {
            assert!(url(&json!(bad)).is_err(), "{bad}");
        }
        assert!(url(&json!(format!("https://a/{}", "x".repeat(2048)))).is_err());
        assert!(url(&json!(7)).is_err());
    }

    #[test]
    fn versions() {
        for good in [
            "0.0.0",
            "1.2.3",
            "10.20.30",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-0.3.7",
            "1.0.0--",
            "1.0.0-x-y.z+001.a-b",
            "1.0.0+build",
        ] {
            assert!(version(&json!(good)).is_ok(), "{good}");
        }
        for bad in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "01.2.3",
            "1.02.3",
            "v1.2.3",
            "1.2.3-",
            "1.2.3+",
            "1.2.3-01",
            "1.2.3-a..b",
            "1.2.3-é",
            "1.2.3 ",
            "-1.2.3",
            "1.2.3+a+b",
        ] {
            assert!(version(&json!(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn tags_are_trimmed_and_distinct() {
        assert_eq!(tags(&json!([" a ", "b c", "a"])).unwrap(), ["a", "b c"]);
        assert_eq!(tags(&json!([])).unwrap(), [""; 0]);
        let many = |n: usize| json!((0..n).map(|i| i.to_string()).collect::<Vec<_>>());
        assert!(tags(&many(32)).is_ok());
        for bad in [
            json!("a"),
            json!([1]),
            json!([""]),
            json!(["  "]),
            json!(["a\nb"]),
            json!(["x".repeat(51)]),
            many(33),
        ] {
            assert!(tags(&bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn scopes_follow_their_pattern(name in "[a-z0-9_:\\-A-Z é]{0,55}") {
            let follows = (1..=50).contains(&name.len())
                && name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_' | ':' | '-'));
            prop_assert_eq!(scopes(&json!([name])).is_ok(), follows);
        }

        #[test]
        fn semantic_versions_are_taken(
            major: u32, minor: u32, patch: u32,
            before in proptest::option::of("[a-zA-Z-][0-9a-zA-Z-]{0,8}(\\.(0|[1-9][0-9]{0,3})){0,3}"),
            build in proptest::option::of("[0-9a-zA-Z-]{1,8}(\\.[0-9a-zA-Z-]{1,4}){0,3}"),
        ) {
            let mut text = format!("{major}.{minor}.{patch}");
            text.extend(before.map(|b| format!("-{b}")));
            text.extend(build.map(|b| format!("+{b}")));
            prop_assert_eq!(version(&json!(text)), Ok(text));
        }

        #[test]
        fn no_text_makes_them_panic(text in "\\PC*") {
            let value = json!(text);
            let _ = (url(&value), version(&value), auth_method(&value), line(&value, 10));
            let _ = (tags(&json!([text.clone()])), scopes(&json!([text])));
        }

        #[test]
        fn a_url_that_is_taken_has_a_host_and_no_credentials(text in "[hH]ttps?://[a-z@:/.?#\\[\\]0-9 ]{0,20}") {
            if let Ok(url) = url(&json!(text)) {
                let rest = url.split_once("://").unwrap().1;
                let authority = rest.split(['/', '?']).next().unwrap();
                prop_assert!(!authority.is_empty() && !authority.contains('@') && !url.contains('#'));
            }
        }
    }
}
