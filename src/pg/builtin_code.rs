//! Whether an INSERT into a table can run anybody's code but PostgreSQL's own.
//! If not, it needs no pinned search_path, which costs a third of a small INSERT.
//! In doubt it can.

use pgrx::{pg_sys, PgRelation};

use super::compat::LOCK_FOR_READING;
use super::direct_insert::{hides_rows_from_owner, is_heap};
use super::filled_column::assignments_are_builtin;
use super::path_blind::is_path_blind;
use super::rewrite_rules::tables_that_rules_write_to;
use super::spi::{self, Access, KeptStatement};
use crate::model::schema::FieldType;

/// Tables that an INSERT may write to by way of rules; with more it is not looked at.
const MAX_TABLES: usize = 8;

thread_local! {
    /// Objects that a table, its constraints, defaults, indexes, rules and policies are built
    /// on and that may bring code along. PostgreSQL's own are not recorded there. And what
    /// changes PostgreSQL's own: an operator class for a type that has none, as json, or a
    /// type it is taken for that has one (comparing arrays looks for it); a dictionary in a
    /// text search configuration.
    static OBJECTS_OF_OTHERS: KeptStatement = const { KeptStatement::new(
        "SELECT 1::pg_catalog.int8 FROM pg_catalog.pg_depend AS d \
         WHERE d.refclassid OPERATOR(pg_catalog.=) ANY (ARRAY[\
             'pg_catalog.pg_proc'::pg_catalog.regclass, \
             'pg_catalog.pg_type'::pg_catalog.regclass, \
             'pg_catalog.pg_operator'::pg_catalog.regclass, \
             'pg_catalog.pg_opclass'::pg_catalog.regclass, \
             'pg_catalog.pg_opfamily'::pg_catalog.regclass, \
             'pg_catalog.pg_ts_config'::pg_catalog.regclass, \
             'pg_catalog.pg_ts_dict'::pg_catalog.regclass, \
             'pg_catalog.pg_cast'::pg_catalog.regclass]::pg_catalog.oid[]) \
         AND (d.classid, d.objid) IN (\
             SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, $1 \
             UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, i.indexrelid \
               FROM pg_catalog.pg_index AS i WHERE i.indrelid OPERATOR(pg_catalog.=) $1 \
             UNION ALL SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid, c.oid \
               FROM pg_catalog.pg_constraint AS c WHERE c.conrelid OPERATOR(pg_catalog.=) $1 \
             UNION ALL SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass::pg_catalog.oid, a.oid \
               FROM pg_catalog.pg_attrdef AS a WHERE a.adrelid OPERATOR(pg_catalog.=) $1 \
             UNION ALL SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid, r.oid \
               FROM pg_catalog.pg_rewrite AS r WHERE r.ev_class OPERATOR(pg_catalog.=) $1 \
             UNION ALL SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass::pg_catalog.oid, p.oid \
               FROM pg_catalog.pg_policy AS p WHERE p.polrelid OPERATOR(pg_catalog.=) $1) \
         UNION ALL \
         SELECT 1::pg_catalog.int8 FROM pg_catalog.pg_opclass AS o \
         WHERE o.opcdefault AND o.oid OPERATOR(pg_catalog.>=) $2 \
         AND o.opcintype OPERATOR(pg_catalog.<) $2 \
         UNION ALL \
         SELECT 1::pg_catalog.int8 FROM pg_catalog.pg_cast AS c \
         WHERE c.castmethod OPERATOR(pg_catalog.=) 'b' AND c.castcontext OPERATOR(pg_catalog.=) 'i' \
         AND c.oid OPERATOR(pg_catalog.>=) $2 AND c.castsource OPERATOR(pg_catalog.<) $2 \
         UNION ALL \
         SELECT 1::pg_catalog.int8 FROM pg_catalog.pg_ts_config_map AS m \
         WHERE m.mapdict OPERATOR(pg_catalog.>=) $2 AND m.mapcfg OPERATOR(pg_catalog.<) $2 \
         LIMIT 1",
        &[pg_sys::OIDOID, pg_sys::OIDOID],
    ) };
}

/// What is known of the code that an INSERT runs.
pub struct InsertCode {
    /// True if the table is built on what is not PostgreSQL's own and may bring code along.
    pub has_objects_of_others: bool,
    /// The other tables that it writes to, if it runs nothing but functions of PostgreSQL
    /// that give the same under any search_path.
    pub builtin_reach: Option<Vec<pg_sys::Oid>>,
}

impl InsertCode {
    /// Of an INSERT of these fields. Called as the owner, with a pinned path and a lock
    /// on the table.
    pub fn of(oid: pg_sys::Oid, fields: &[(&str, FieldType)]) -> Self {
        // SAFETY: the caller holds a lock on the table.
        let table = unsafe { PgRelation::open(oid) };
        let has_objects_of_others = has_objects_of_others(oid);
        let builtin = !has_objects_of_others && assignments_are_builtin(&table, fields);
        InsertCode {
            has_objects_of_others,
            builtin_reach: if builtin { builtin_reach(&table) } else { None },
        }
    }

    /// True if it runs nothing else, and writes to no other table.
    pub fn is_builtin_here(&self) -> bool {
        self.builtin_reach.as_ref().is_some_and(Vec::is_empty)
    }
}

/// The tables that an INSERT into this one writes to by way of rules, each with what it
/// writes to itself.
fn builtin_reach(table: &PgRelation) -> Option<Vec<pg_sys::Oid>> {
    let mut reached = tables_written_by(table)?;
    let mut position = 0;
    while position < reached.len() {
        if reached.len() > MAX_TABLES {
            return None;
        }
        let oid = reached[position];
        position += 1;
        // SAFETY: the rule that names the table, in one that is locked, keeps it from being
        // dropped. This lock goes at once: whether an INSERT takes one is not known here.
        let other = unsafe { PgRelation::with_lock(oid, LOCK_FOR_READING) };
        if has_objects_of_others(oid) {
            return None;
        }
        for next in tables_written_by(&other)? {
            if next != table.oid() && !reached.contains(&next) {
                reached.push(next);
            }
        }
    }
    Some(reached)
}

/// The tables that the rules of this one write to; none if an INSERT into it may run more
/// than functions of PostgreSQL that give the same under any search_path.
fn tables_written_by(table: &PgRelation) -> Option<Vec<pg_sys::Oid>> {
    let builtin = is_unhooked(table) && expressions_are_blind(table) && policies_are_blind(table);
    if builtin {
        tables_that_rules_write_to(table)
    } else {
        None
    }
}

/// No trigger but those that check deferred unique values, no partition bound. A foreign
/// key may run what the other table is built on.
fn is_unhooked(table: &PgRelation) -> bool {
    // SAFETY: the relation is open; its parts live as long.
    unsafe {
        let relation = &*table.as_ptr();
        is_heap(table, pg_sys::ACL_INSERT)
            && !(*relation.rd_rel).relispartition
            && (relation.trigdesc.is_null() || insert_triggers_are_builtin(&*relation.trigdesc))
    }
}

fn insert_triggers_are_builtin(triggers: &pg_sys::TriggerDesc) -> bool {
    // SAFETY: the descriptor of an open table, with as many triggers as it says.
    let all = (0..triggers.numtriggers as usize).map(|n| unsafe { &*triggers.triggers.add(n) });
    all.filter(|trigger| trigger.tgtype as u32 & pg_sys::TRIGGER_TYPE_INSERT != 0)
        .all(|trigger| trigger.tgfoid.to_u32() == pg_sys::F_UNIQUE_KEY_RECHECK)
}

/// Checks, defaults, generated columns and index expressions.
fn expressions_are_blind(table: &PgRelation) -> bool {
    let descriptor = table.tuple_desc();
    let defaults = descriptor.iter().all(|attribute| {
        attribute.attisdropped
            || attribute.attidentity != 0
            // SAFETY: an attribute of the open table, with an expression or none.
            || unsafe {
                is_path_blind(pg_sys::build_column_default(
                    table.as_ptr(),
                    attribute.attnum.into(),
                ))
            }
    });
    defaults && checks_are_blind(table) && indexes_are_blind(table)
}

fn checks_are_blind(table: &PgRelation) -> bool {
    // SAFETY: the descriptor of an open table; a check is the text of its expression.
    unsafe {
        let constraints = (*(*table.as_ptr()).rd_att).constr;
        constraints.is_null()
            || (0..(*constraints).num_check.into()).all(|number: usize| {
                let check = &*(*constraints).check.add(number);
                is_path_blind(pg_sys::stringToNode(check.ccbin).cast())
            })
    }
}

fn indexes_are_blind(table: &PgRelation) -> bool {
    // SAFETY: the table is open and locked, so its indexes stay; each is opened and
    // closed here.
    unsafe {
        let list = pg_sys::RelationGetIndexList(table.as_ptr());
        let blind = (0..pg_sys::list_length(list)).all(|position| {
            let oid = pg_sys::list_nth_oid(list, position);
            let index = pg_sys::index_open(oid, pg_sys::AccessShareLock as i32);
            let expressions = pg_sys::RelationGetIndexExpressions(index);
            let predicate = pg_sys::RelationGetIndexPredicate(index);
            let blind = is_path_blind(expressions.cast()) && is_path_blind(predicate.cast());
            pg_sys::index_close(index, pg_sys::NoLock as i32);
            blind
        });
        pg_sys::list_free(list);
        blind
    }
}

/// Row security, where it applies to our owner, reads no other table and no path.
fn policies_are_blind(table: &PgRelation) -> bool {
    if !hides_rows_from_owner(table) {
        return true;
    }
    // SAFETY: the relation is open; the policies of one with row security are in it.
    unsafe {
        let security = (*table.as_ptr()).rd_rsdesc;
        !security.is_null()
            && (0..pg_sys::list_length((*security).policies)).all(|position| {
                let policy = &*pg_sys::list_nth((*security).policies, position)
                    .cast::<pg_sys::RowSecurityPolicy>();
                is_path_blind(policy.qual.cast()) && is_path_blind(policy.with_check_qual.cast())
            })
    }
}

/// True if a table, its constraints, defaults, indexes, rules or policies are built on
/// anything that is not PostgreSQL's own and may bring code along. Called as the owner.
fn has_objects_of_others(table: pg_sys::Oid) -> bool {
    let first_of_others = pg_sys::Oid::from_u32(pg_sys::FirstNormalObjectId);
    OBJECTS_OF_OTHERS.with(|query| {
        let plan = query.plan();
        spi::with_latest_snapshot(|| {
            spi::connected(|c| {
                let params = vec![table.into(), first_of_others.into()];
                c.execute_plan(plan, params, Access::Read).count() > 0
            })
        })
    })
}
