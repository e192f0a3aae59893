//! Projects: tenants, each with a schema of its own.

use super::project_error::ProjectError;

/// Longest name of a client, a project or a migration, in characters (spec 003).
pub const MAX_NAME: usize = 255;

/// A name without the blanks around it, if it may be one.
pub fn checked_name<'a>(what: &'static str, name: &'a str) -> Result<&'a str, ProjectError> {
    let name = name.trim();
    let length = name.chars().count();
    if length == 0 || length > MAX_NAME || name.chars().any(char::is_control) {
        return Err(ProjectError::NameInvalid { what });
    }
    Ok(name)
}

/// An e-mail address as far as it can be told without sending a mail.
pub fn checked_email(email: &str) -> Result<&str, ProjectError> {
    let email = email.trim();
    let ends = email.split_once('@').is_some_and(|(person, host)| {
        !person.is_empty() && !host.is_empty() && !host.contains('@')
    });
    let blank = |c: char| c.is_whitespace() || c.is_control();
    if !ends || email.chars().count() > MAX_NAME || email.chars().any(blank) {
        return Err(ProjectError::EmailInvalid);
    }
    Ok(email)
}

/// What may be done with a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Active,
    /// Read, not written.
    Suspended,
    Archived,
}

impl Status {
    pub fn parse(name: &str) -> Result<Self, ProjectError> {
        match name {
            "active" => Ok(Status::Active),
            "suspended" => Ok(Status::Suspended),
            "archived" => Ok(Status::Archived),
            _ => Err(ProjectError::StatusUnknown),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Suspended => "suspended",
            Status::Archived => "archived",
        }
    }
}

/// The id of a project: a positive number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectId(i64);

const SCHEMA_PREFIX: &str = "project_";

impl ProjectId {
    /// None for what cannot be an id.
    pub fn new(id: i64) -> Option<Self> {
        (id > 0).then_some(ProjectId(id))
    }

    /// The project whose schema has this name, if it is one's.
    pub fn of_schema(name: &str) -> Option<Self> {
        let id: i64 = name.strip_prefix(SCHEMA_PREFIX)?.parse().ok()?;
        let project = ProjectId::new(id)?;
        // As we write it, and in no other way.
        (project.schema_name() == name).then_some(project)
    }

    pub fn value(self) -> i64 {
        self.0
    }

    /// `project_7`
    pub fn schema_name(self) -> String {
        format!("{SCHEMA_PREFIX}{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_trimmed_and_checked() {
        assert_eq!(checked_name("client", "  Ann & Co \n"), Ok("Ann & Co"));
        assert!(checked_name("client", &"é".repeat(255)).is_ok());
        for bad in ["", "  ", "a\tb", "a\0b", &"é".repeat(256)] {
            assert!(checked_name("client", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn addresses_at_the_edges() {
        for good in ["a@b", "ann.o'hara@example.org"] {
            assert_eq!(checked_email(good), Ok(good));
        }
        let long = format!("{}@b", "a".repeat(254));
        for bad in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\nc", &long] {
            assert!(checked_email(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_status_reads_back() {
        for status in [Status::Active, Status::Suspended, Status::Archived] {
            assert_eq!(Status::parse(status.name()), Ok(status));
        }
        assert!(Status::parse("Active").is_err());
    }

    #[test]
    fn names_that_are_no_projects() {
        for name in [
            "project_0",
            "project_-1",
            "project_+1",
            "project_01",
            "project_",
            "Project_1",
            "project_1 ",
            "project_9223372036854775808",
        ] {
            assert_eq!(ProjectId::of_schema(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_schema_name_reads_back(id in 1..=i64::MAX) {
            let project = ProjectId::new(id).unwrap();
            prop_assert_eq!(ProjectId::of_schema(&project.schema_name()), Some(project));
        }
    }
}
