//! Entity tags (RFC 9110, section 8.8.3): the version of a record in quotes.

pub fn of_version(version: i64) -> String {
    format!("\"{version}\"")
}

/// The versions that `If-Match` allows; none for any, with `*` or without the header.
/// A tag that is no version of ours matches no record.
pub fn versions(header: Option<&str>) -> Option<Vec<i64>> {
    let header = header?.trim();
    if header == "*" {
        return None;
    }
    Some(header.split(',').filter_map(strong_version).collect())
}

/// True if `If-None-Match` names this version. Weak tags count as well: both stand
/// for the same bytes here.
pub fn matches(header: Option<&str>, version: i64) -> bool {
    let Some(header) = header.map(str::trim) else {
        return false;
    };
    let weak_version = |tag: &str| strong_version(tag.trim().strip_prefix("W/").unwrap_or(tag));
    header == "*"
        || header
            .split(',')
            .any(|tag| weak_version(tag) == Some(version))
}

fn strong_version(tag: &str) -> Option<i64> {
    let quoted = tag.trim().strip_prefix('"')?.strip_suffix('"')?;
    // As we write it, and in no other way.
    let version: i64 = quoted.parse().ok()?;
    (version.to_string() == quoted).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lists_weak_tags_and_stars() {
        assert_eq!(versions(None), None);
        assert_eq!(versions(Some(" * ")), None);
        assert_eq!(versions(Some("\"1\", \"22\"")), Some(vec![1, 22]));
        assert_eq!(versions(Some("W/\"1\"")), Some(vec![]));
        assert_eq!(versions(Some("1")), Some(vec![]));
        assert_eq!(versions(Some("\"+1\"")), Some(vec![]));
        assert!(matches(Some("W/\"7\""), 7));
        assert!(matches(Some("\"1\", W/\"7\""), 7));
        assert!(matches(Some("*"), 7));
        assert!(!matches(Some("\"8\""), 7));
        assert!(!matches(None, 7));
    }

    proptest! {
        #[test]
        fn a_tag_reads_back(version in any::<i64>()) {
            let tag = of_version(version);
            prop_assert_eq!(versions(Some(&tag)), Some(vec![version]));
            prop_assert!(matches(Some(&tag), version));
        }

        #[test]
        fn no_header_makes_it_panic(header in "\\PC*") {
            let _ = (versions(Some(&header)), matches(Some(&header), 1));
        }
    }
}
