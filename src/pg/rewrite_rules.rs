//! What the rules of a table have an INSERT into it do.

use pgrx::{pg_sys, PgRelation};

use super::path_blind::is_path_blind;

/// What a rule says of itself.
const DISABLED: u8 = b'D';
const FIRES_ON_REPLICA: u8 = b'R';

/// The tables that the rules of a table write to as well; none if they do anything
/// but insert plain values, or do nothing, or are of replicas.
pub fn tables_that_rules_write_to(table: &PgRelation) -> Option<Vec<pg_sys::Oid>> {
    let mut tables = Vec::new();
    // SAFETY: the relation is open; its rules, as many as it says, live as long.
    unsafe {
        let rules = (*table.as_ptr()).rd_rules;
        if rules.is_null() {
            return Some(tables);
        }
        for number in 0..(*rules).numLocks as usize {
            let rule = &**(*rules).rules.add(number);
            let enabled = rule.enabled as u8;
            if rule.event != pg_sys::CmdType::CMD_INSERT || enabled == DISABLED {
                continue;
            }
            if enabled == FIRES_ON_REPLICA || !is_path_blind(rule.qual) {
                return None;
            }
            for position in 0..pg_sys::list_length(rule.actions) {
                let action = &*pg_sys::list_nth(rule.actions, position).cast::<pg_sys::Query>();
                add_tables_of(action, table.oid(), &mut tables)?;
            }
        }
    }
    Some(tables)
}

/// # Safety
/// A complete query of a rule.
unsafe fn add_tables_of(
    action: &pg_sys::Query,
    table: pg_sys::Oid,
    tables: &mut Vec<pg_sys::Oid>,
) -> Option<()> {
    if action.commandType == pg_sys::CmdType::CMD_NOTHING {
        return Some(());
    }
    let inserts_values = action.commandType == pg_sys::CmdType::CMD_INSERT
        && action.cteList.is_null()
        && action.onConflict.is_null();
    // SAFETY: the caller vouches for the query; its range table has entries alone.
    unsafe {
        if !inserts_values || !is_path_blind((&raw const *action).cast_mut().cast()) {
            return None;
        }
        for position in 0..pg_sys::list_length(action.rtable) {
            let entry = &*pg_sys::list_nth(action.rtable, position).cast::<pg_sys::RangeTblEntry>();
            match entry.rtekind {
                // NEW and OLD are the table itself.
                pg_sys::RTEKind::RTE_RELATION if entry.relid == table => (),
                pg_sys::RTEKind::RTE_RELATION if tables.contains(&entry.relid) => (),
                pg_sys::RTEKind::RTE_RELATION => tables.push(entry.relid),
                pg_sys::RTEKind::RTE_VALUES | pg_sys::RTEKind::RTE_RESULT => (),
                _ => return None,
            }
        }
    }
    Some(())
}
