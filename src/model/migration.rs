//! Migrations of projects: which statements they may have.

/// Why a statement has no place in a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It would end the transaction that the migration is part of.
    TransactionControl,
    /// PostgreSQL runs it outside of transactions only.
    OutsideTransaction,
    /// It changes the session or the server, not the project.
    Session,
    /// It would have the migration run as another role or find other tables.
    Setting,
    /// It talks to a client.
    Client,
}

impl Refusal {
    /// The refusal of a command by its name, as PostgreSQL calls it.
    pub fn of_command(command: &str) -> Option<Self> {
        match command {
            "BEGIN"
            | "START TRANSACTION"
            | "COMMIT"
            | "ROLLBACK"
            | "SAVEPOINT"
            | "RELEASE"
            | "PREPARE TRANSACTION"
            | "COMMIT PREPARED"
            | "ROLLBACK PREPARED" => Some(Refusal::TransactionControl),
            "VACUUM"
            | "CREATE DATABASE"
            | "DROP DATABASE"
            | "ALTER DATABASE"
            | "CREATE TABLESPACE"
            | "DROP TABLESPACE"
            | "ALTER SYSTEM"
            | "CREATE SUBSCRIPTION"
            | "ALTER SUBSCRIPTION"
            | "DROP SUBSCRIPTION" => Some(Refusal::OutsideTransaction),
            "LISTEN" | "UNLISTEN" | "LOAD" | "PREPARE" | "EXECUTE" | "DEALLOCATE"
            | "DEALLOCATE ALL" | "DECLARE CURSOR" | "FETCH" | "MOVE" | "CLOSE CURSOR"
            | "CLOSE CURSOR ALL" | "DISCARD" | "DISCARD ALL" | "DISCARD PLANS" | "DISCARD TEMP"
            | "DISCARD SEQUENCES" | "CHECKPOINT" => Some(Refusal::Session),
            _ => None,
        }
    }

    /// The refusal of a SET or RESET by the name that PostgreSQL has for what is
    /// set; RESET ALL has none.
    pub fn of_setting(name: Option<&str>) -> Option<Self> {
        const FIXED: [&str; 6] = [
            "role",
            "session_authorization",
            "search_path",
            "transaction",
            "transaction snapshot",
            "session characteristics",
        ];
        match name {
            None => Some(Refusal::Setting),
            Some(name) => FIXED
                .iter()
                .any(|fixed| name.eq_ignore_ascii_case(fixed))
                .then_some(Refusal::Setting),
        }
    }

    pub fn reason(self) -> &'static str {
        match self {
            Refusal::TransactionControl => {
                "A migration is part of the transaction that upgrades its project."
            }
            Refusal::OutsideTransaction => {
                "PostgreSQL runs it outside of transactions only, and a migration is part of one."
            }
            Refusal::Session => "It is about a session or the server, not about a project.",
            Refusal::Setting => {
                "A migration runs as projectalpha_owner, finds its project's tables and is part of a transaction, all along."
            }
            Refusal::Client => "No client takes part in a migration.",
        }
    }

    pub fn hint(self) -> &'static str {
        match self {
            Refusal::TransactionControl => {
                "Leave it out: a migration that fails leaves nothing behind."
            }
            Refusal::OutsideTransaction => {
                "Have an administrator run it by hand; an index is made without CONCURRENTLY."
            }
            Refusal::Session | Refusal::Setting => "Leave it out.",
            Refusal::Client => "Use INSERT.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_stay() {
        for name in [
            None,
            Some("role"),
            Some("Search_Path"),
            Some("session_authorization"),
        ] {
            assert_eq!(
                Refusal::of_setting(name),
                Some(Refusal::Setting),
                "{name:?}"
            );
        }
        assert_eq!(Refusal::of_setting(Some("maintenance_work_mem")), None);
    }

    #[test]
    fn commands_that_change_a_schema_pass() {
        for command in [
            "CREATE TABLE",
            "ALTER TABLE",
            "UPDATE",
            "DO",
            "CREATE INDEX",
        ] {
            assert_eq!(Refusal::of_command(command), None, "{command}");
        }
    }
}
