//! Entity tags (RFC 9110, section 8.8.3): `"5"` is version 5 of a record; `"5-2"` the
//! same once its tool has been altered and has version 2 of its schema.

use crate::model::revision::{Revision, FIRST_SCHEMA};

pub fn of(revision: Revision) -> String {
    match revision.schema {
        FIRST_SCHEMA => format!("\"{}\"", revision.version),
        schema => format!("\"{}-{schema}\"", revision.version),
    }
}

/// The revisions that `If-Match` allows; none for any, with `*` or without the header.
/// A tag that is none of ours matches no record.
pub fn revisions(header: Option<&str>) -> Option<Vec<Revision>> {
    let header = header?.trim();
    if header == "*" {
        return None;
    }
    Some(header.split(',').filter_map(strong).collect())
}

/// True if `If-None-Match` names this revision. Weak tags count as well: both stand
/// for the same bytes here.
pub fn matches(header: Option<&str>, revision: Revision) -> bool {
    let Some(header) = header.map(str::trim) else {
        return false;
    };
    let weak = |tag: &str| strong(tag.trim().strip_prefix("W/").unwrap_or(tag));
    header == "*" || header.split(',').any(|tag| weak(tag) == Some(revision))
}

fn strong(tag: &str) -> Option<Revision> {
    let quoted = tag.trim().strip_prefix('"')?.strip_suffix('"')?;
    // A version below zero begins with a dash of its own.
    let dash = quoted.rfind('-').filter(|dash| *dash > 0);
    let (version, schema) = match dash {
        Some(dash) => (&quoted[..dash], quoted[dash + 1..].parse().ok()?),
        None => (quoted, FIRST_SCHEMA),
    };
    let revision = Revision {
        version: version.parse().ok()?,
        schema,
    };
    // As we write it, and in no other way.
    (of(revision) == tag.trim()).then_some(revision)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn first(version: i64) -> Revision {
        Revision { version, schema: 1 }
    }

    #[test]
    fn lists_weak_tags_and_stars() {
        assert_eq!(revisions(None), None);
        assert_eq!(revisions(Some(" * ")), None);
        assert_eq!(
            revisions(Some("\"1\", \"22\"")),
            Some(vec![first(1), first(22)])
        );
        for foreign in ["W/\"1\"", "1", "\"+1\"", "\"1-1\"", "\"1-02\"", "\"1-\""] {
            assert_eq!(revisions(Some(foreign)), Some(vec![]), "{foreign}");
        }
        assert!(matches(Some("W/\"7\""), first(7)));
        assert!(matches(Some("\"1\", W/\"7\""), first(7)));
        assert!(matches(Some("*"), first(7)));
        assert!(!matches(Some("\"8\""), first(7)));
        assert!(!matches(Some("\"7-2\""), first(7)));
        assert!(!matches(None, first(7)));
    }

    proptest! {
        #[test]
        fn a_tag_reads_back(version in any::<i64>(), schema in 1..=i32::MAX) {
            let revision = Revision { version, schema };
            let tag = of(revision);
            prop_assert_eq!(revisions(Some(&tag)), Some(vec![revision]));
            prop_assert!(matches(Some(&tag), revision));
        }

        #[test]
        fn no_header_makes_it_panic(header in "\\PC*") {
            let _ = (revisions(Some(&header)), matches(Some(&header), first(1)));
        }
    }
}
