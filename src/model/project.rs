//! Projects: tenants, each with a schema of its own.

/// The id of a project: a positive number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectId(i64);

/// What a project may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectStatus {
    Active,
    /// Reads alone.
    Suspended,
    /// Nothing.
    Archived,
}

impl ProjectStatus {
    /// What nobody knows allows nothing.
    pub fn parse(status: &str) -> Self {
        match status {
            "active" => ProjectStatus::Active,
            "suspended" => ProjectStatus::Suspended,
            _ => ProjectStatus::Archived,
        }
    }
}

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
