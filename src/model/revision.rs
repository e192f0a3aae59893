//! States of a record.

/// A state of a record: its version, and that of its tool's schema, which says what
/// its keys are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision {
    pub version: i64,
    pub schema: i32,
}

/// The schema that a tool was registered with.
pub const FIRST_SCHEMA: i32 = 1;

/// Which states of a record may be changed.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    Version(i64),
    OneOf(&'a [Revision]),
}

impl Wanted<'_> {
    /// The versions that are meant while the tool has this schema.
    pub fn versions(self, schema: i32) -> Vec<i64> {
        match self {
            Wanted::Version(version) => vec![version],
            Wanted::OneOf(revisions) => revisions
                .iter()
                .filter(|revision| revision.schema == schema)
                .map(|revision| revision.version)
                .collect(),
        }
    }
}
