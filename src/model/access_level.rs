//! What a database role may do in a project's schema: the levels, and the
//! privileges that each of them is.

use super::access_error::AccessError;

/// Where `export_project` writes down what belongs to a project.
pub const MANIFEST_TABLE: &str = "project_manifest";
/// Tables of our own in a project's schema, besides those of tools: nobody's business.
const OWN_TABLES: [&str; 2] = [MANIFEST_TABLE, "idempotency_keys"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Read,
    Write,
}

impl Level {
    pub fn parse(name: &str) -> Result<Self, AccessError> {
        match name {
            "read" => Ok(Level::Read),
            "write" => Ok(Level::Write),
            _ => Err(AccessError::LevelUnknown),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Level::Read => "read",
            Level::Write => "write",
        }
    }

    /// The privileges on such an object, and no others; none for what the level has
    /// nothing to do with. Records of tools are written through `store_record`, which
    /// checks them; and whoever could attach a trigger to a table would have his code
    /// run as its owner.
    pub fn privileges(self, kind: ObjectKind, name: &str) -> Option<&'static [&'static str]> {
        Some(match (kind, self) {
            (ObjectKind::Table, _) if OWN_TABLES.contains(&name) => &[],
            (ObjectKind::Table, Level::Write) if !name.starts_with("tool_") => {
                &["SELECT", "INSERT", "UPDATE", "DELETE"]
            }
            (ObjectKind::Table | ObjectKind::View, _) => &["SELECT"],
            // Defaults, checks and views call functions as whoever uses the table.
            (ObjectKind::Routine, _) => &["EXECUTE"],
            // Identity columns take their numbers as the owner does, others do not.
            (ObjectKind::Sequence, Level::Write) => &["USAGE"],
            (ObjectKind::Sequence, Level::Read) => &[],
            (ObjectKind::IdentitySequence | ObjectKind::OwnersRoutine | ObjectKind::Type, _) => {
                return None
            }
        })
    }

    /// What to grant and what to revoke, so that of what a role was given on an
    /// object itself, and on single columns of it, these privileges remain.
    pub fn changes(self, object: &Object) -> Changes {
        let Some(wanted) = self.privileges(object.kind, &object.name) else {
            return Changes::default();
        };
        let is_wanted = |privilege: &&String| wanted.contains(&privilege.as_str());
        let grant = wanted.iter().map(ToString::to_string);
        let mut revoke: Vec<String> = object
            .has
            .iter()
            .chain(&object.has_on_columns)
            .filter(|privilege| !is_wanted(privilege))
            .cloned()
            .collect();
        revoke.sort_unstable();
        revoke.dedup();
        Changes {
            grant: grant.filter(|p| !object.has.contains(p)).collect(),
            revoke,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    Table,
    /// And what else can only be read.
    View,
    /// Of a column that takes its default from it.
    Sequence,
    /// Its numbers are taken as its owner.
    IdentitySequence,
    /// That runs as its caller.
    Routine,
    /// That runs as its owner: who may call it is for those to say who make it.
    OwnersRoutine,
    Type,
}

impl ObjectKind {
    /// What GRANT calls it.
    pub fn keyword(self) -> &'static str {
        match self {
            ObjectKind::Table | ObjectKind::View => "TABLE",
            ObjectKind::Sequence | ObjectKind::IdentitySequence => "SEQUENCE",
            ObjectKind::Routine | ObjectKind::OwnersRoutine => "ROUTINE",
            ObjectKind::Type => "TYPE",
        }
    }
}

/// Something in a project's schema, and what one role has been granted on it.
#[derive(Debug, Clone)]
pub struct Object {
    pub kind: ObjectKind,
    pub name: String,
    pub has: Vec<String>,
    pub has_on_columns: Vec<String>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub grant: Vec<String>,
    pub revoke: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [&str; 7] = [
        "SELECT",
        "INSERT",
        "UPDATE",
        "DELETE",
        "TRUNCATE",
        "REFERENCES",
        "TRIGGER",
    ];

    #[test]
    fn records_of_tools_are_only_read() {
        let on_table = |name| Level::Write.privileges(ObjectKind::Table, name);
        assert_eq!(on_table("tool_survey_bot"), Some(["SELECT"].as_slice()));
        for name in OWN_TABLES {
            assert_eq!(on_table(name), Some([].as_slice()), "{name}");
        }
        assert_eq!(
            Level::Write.privileges(ObjectKind::Table, "contents"),
            Some(["SELECT", "INSERT", "UPDATE", "DELETE"].as_slice())
        );
    }

    proptest! {
        #[test]
        fn what_remains_is_the_level_and_nothing_else(
            write in any::<bool>(),
            name in prop::sample::select(vec!["contents", "tool_a", MANIFEST_TABLE]),
            has in prop::sample::subsequence(ALL.to_vec(), 0..=7),
            on_columns in prop::sample::subsequence(ALL.to_vec(), 0..=7),
        ) {
            let level = if write { Level::Write } else { Level::Read };
            let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
            let object = Object {
                kind: ObjectKind::Table,
                name: name.to_owned(),
                has: owned(&has),
                has_on_columns: owned(&on_columns),
            };
            let changes = level.changes(&object);
            // REVOKE on a table takes what there is on its columns, too.
            let kept = |held: &[String]| -> Vec<String> {
                held.iter().filter(|p| !changes.revoke.contains(p)).cloned().collect()
            };
            let mut remains = kept(&object.has);
            remains.extend(changes.grant.iter().cloned());
            remains.sort();
            let mut wanted = owned(level.privileges(object.kind, name).unwrap_or_default());
            wanted.sort();
            prop_assert_eq!(&remains, &wanted);
            prop_assert!(kept(&object.has_on_columns).iter().all(|p| wanted.contains(p)));
        }
    }
}
