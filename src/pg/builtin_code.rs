//! Whether an INSERT into a table can run anybody's code but PostgreSQL's own.
//! If not, its plan needs no pinned search_path, which costs as much as the
//! plan's smallest parts. In doubt the answer is no.

use pgrx::{pg_sys, PgRelation};

use super::acting::as_owner_with_pinned_path;
use super::direct_insert::{defaults_to_now, is_open_heap};
use super::spi::{self, Access, KeptStatement};

thread_local! {
    /// Objects that a table, its constraints, defaults and indexes are built on and
    /// that may bring code along. PostgreSQL's own are not recorded there. And an
    /// operator class for a type of PostgreSQL's that has none, as json: comparing arrays
    /// of it looks for one.
    static CODE_OF_OTHERS: KeptStatement = const { KeptStatement::new(
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
               FROM pg_catalog.pg_attrdef AS a WHERE a.adrelid OPERATOR(pg_catalog.=) $1) \
         UNION ALL \
         SELECT 1::pg_catalog.int8 FROM pg_catalog.pg_opclass AS o \
         WHERE o.opcdefault AND o.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid \
         AND o.opcintype OPERATOR(pg_catalog.<) 16384::pg_catalog.oid \
         LIMIT 1",
        &[pg_sys::OIDOID],
    ) };
}

/// True if an INSERT into the table runs nothing but functions of PostgreSQL
/// that give the same under any search_path. The caller holds a lock on it.
pub fn runs_builtin_code_alone(oid: pg_sys::Oid) -> bool {
    // SAFETY: the caller holds a lock on the table.
    let table = unsafe { PgRelation::open(oid) };
    is_unhooked(&table)
        && as_owner_with_pinned_path(|| {
            expressions_are_immutable(&table) && !has_code_of_others(oid)
        })
}

/// No trigger but those that check deferred unique values, no rule, policy or partition
/// bound. A foreign key may run what the other table is built on.
fn is_unhooked(table: &PgRelation) -> bool {
    // SAFETY: the relation is open; its parts live as long.
    unsafe {
        let relation = &*table.as_ptr();
        is_open_heap(table, pg_sys::ACL_INSERT)
            && !(*relation.rd_rel).relispartition
            && relation.rd_rules.is_null()
            && (relation.trigdesc.is_null() || insert_triggers_are_builtin(&*relation.trigdesc))
    }
}

fn insert_triggers_are_builtin(triggers: &pg_sys::TriggerDesc) -> bool {
    // SAFETY: the descriptor of an open table, with as many triggers as it says.
    let all = (0..triggers.numtriggers as usize).map(|n| unsafe { &*triggers.triggers.add(n) });
    all.filter(|trigger| trigger.tgtype as u32 & pg_sys::TRIGGER_TYPE_INSERT != 0)
        .all(|trigger| trigger.tgfoid.to_u32() == pg_sys::F_UNIQUE_KEY_RECHECK)
}

/// Checks, defaults, generated columns and index expressions: what is immutable
/// does not depend on a setting.
fn expressions_are_immutable(table: &PgRelation) -> bool {
    let descriptor = table.tuple_desc();
    let defaults = descriptor.iter().all(|attribute| {
        attribute.attisdropped
            || attribute.attidentity != 0
            || defaults_to_now(table, attribute)
            // SAFETY: an attribute of the open table; NULL has nothing mutable in it.
            || !unsafe {
                pg_sys::contain_mutable_functions(pg_sys::build_column_default(
                    table.as_ptr(),
                    attribute.attnum.into(),
                ))
            }
    });
    defaults && checks_are_immutable(table) && indexes_are_immutable(table)
}

fn checks_are_immutable(table: &PgRelation) -> bool {
    // SAFETY: the descriptor of an open table; a check is the text of its expression.
    unsafe {
        let constraints = (*(*table.as_ptr()).rd_att).constr;
        constraints.is_null()
            || (0..(*constraints).num_check.into()).all(|number: usize| {
                let check = &*(*constraints).check.add(number);
                !pg_sys::contain_mutable_functions(pg_sys::stringToNode(check.ccbin).cast())
            })
    }
}

fn indexes_are_immutable(table: &PgRelation) -> bool {
    // SAFETY: the table is open and locked, so its indexes stay; each is opened and
    // closed here.
    unsafe {
        let list = pg_sys::RelationGetIndexList(table.as_ptr());
        let immutable = (0..pg_sys::list_length(list)).all(|position| {
            let oid = pg_sys::list_nth_oid(list, position);
            let index = pg_sys::index_open(oid, pg_sys::AccessShareLock as i32);
            let expressions = pg_sys::RelationGetIndexExpressions(index);
            let predicate = pg_sys::RelationGetIndexPredicate(index);
            let mutable = pg_sys::contain_mutable_functions(expressions.cast())
                || pg_sys::contain_mutable_functions(predicate.cast());
            pg_sys::index_close(index, pg_sys::NoLock as i32);
            !mutable
        });
        pg_sys::list_free(list);
        immutable
    }
}

/// True if a table, its constraints, defaults or indexes are built on anything that is not
/// PostgreSQL's own and may bring code along. Called as the owner.
pub fn has_code_of_others(table: pg_sys::Oid) -> bool {
    CODE_OF_OTHERS.with(|query| {
        let plan = query.plan();
        spi::with_latest_snapshot(|| {
            spi::connected(|c| {
                let rows = c.execute_plan(plan, vec![table.into()], Access::Read);
                rows.count() > 0
            })
        })
    })
}
