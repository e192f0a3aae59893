//! Inserting straight into a plain table: what the executor does for a static
//! INSERT, less the executor. A table that needs more than this does (triggers,
//! defaults of its own, rules, checks, partitions ...) is not plain, and
//! `SimpleInsert` or a kept plan serves it; `DirectInsert::of` decides once for a cache entry,
//! and DDL that could change the answer drops the entry.

use pgrx::pg_sys;
use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;
use pgrx::PgRelation;

use super::row::Row;
use super::table::Layout;
use super::{compat, raw};
use crate::model::schema::FieldType;

/// How to insert into one plain table.
pub struct DirectInsert {
    pub(super) table: pg_sys::Oid,
    /// All columns of the table, dropped ones included.
    pub(super) attributes: usize,
    id: usize,
    created_at: usize,
    /// Where `updated_at` and `version` are, if the tool is versioned.
    versions: Option<(usize, usize)>,
    /// Where each field of the tool goes, counted from 0.
    fields: Vec<usize>,
    sequence: pg_sys::Oid,
    pub(super) indexes: Vec<PlainIndex>,
}

/// A B-tree over plain columns.
pub(super) struct PlainIndex {
    pub(super) oid: pg_sys::Oid,
    unique: bool,
    /// The columns it holds, counted from 0.
    columns: Vec<usize>,
}

impl DirectInsert {
    /// The direct way into a table, if it is a plain one with all these fields.
    pub fn of(oid: pg_sys::Oid, fields: &[(&str, FieldType)], layout: &Layout) -> Option<Self> {
        // SAFETY: the caller holds a lock on the table.
        let table = unsafe { PgRelation::open(oid) };
        if !is_plain_relation(&table) {
            return None;
        }
        let mut direct = DirectInsert {
            table: oid,
            attributes: table.tuple_desc().len(),
            id: usize::MAX,
            created_at: usize::MAX,
            versions: layout.versioned.then_some((usize::MAX, usize::MAX)),
            fields: vec![usize::MAX; fields.len()],
            sequence: pg_sys::InvalidOid,
            indexes: plain_indexes(&table)?,
        };
        for (position, attribute) in table.tuple_desc().iter().enumerate() {
            if attribute.attisdropped {
                continue;
            }
            let field = fields
                .iter()
                .position(|(name, _)| *name == attribute.name());
            match (attribute.name(), field) {
                ("id", _) if is_identity(attribute) => {
                    direct.id = position;
                    direct.sequence = identity_sequence(oid, attribute.attnum)?;
                }
                ("created_at", _) if defaults_to_now(&table, attribute) => {
                    direct.created_at = position;
                }
                (name, Some(field)) if is_field(attribute, fields[field].1) => {
                    // A required field is never NULL when it comes here.
                    let fits = is_nullable(attribute)
                        || (layout.required.iter().any(|r| r == name)
                            && is_plain_not_null(attribute));
                    if !fits {
                        return None;
                    }
                    direct.fields[field] = position;
                }
                ("updated_at", _) if layout.versioned && defaults_to_now(&table, attribute) => {
                    direct.versions.iter_mut().for_each(|v| v.0 = position);
                }
                ("version", _) if layout.versioned && defaults_to_one(&table, attribute) => {
                    direct.versions.iter_mut().for_each(|v| v.1 = position);
                }
                // A column that somebody added: NULL must do for it.
                (_, None) if is_nullable(attribute) => (),
                _ => return None,
            }
        }
        let complete = direct.id != usize::MAX
            && direct.created_at != usize::MAX
            && direct.versions.is_none_or(|(updated_at, version)| {
                updated_at != usize::MAX && version != usize::MAX
            })
            && !direct.fields.contains(&usize::MAX);
        complete.then_some(direct)
    }

    /// True if no value of a record is in an index.
    pub fn has_only_the_index_of_ids(&self) -> bool {
        self.indexes.iter().all(|index| index.columns == [self.id])
    }

    /// True if an index may refuse a record for its values.
    pub fn has_unique_values(&self) -> bool {
        let mut indexes = self.indexes.iter();
        indexes.any(|index| index.unique && index.columns != [self.id])
    }

    /// Inserts a record and gives its id. The caller holds the lock that an
    /// INSERT takes.
    pub fn insert(&self, row: &Row) -> i64 {
        let mut values = vec![pg_sys::Datum::null(); self.attributes];
        let mut nulls = vec![true; self.attributes];
        self.place(row, &mut values, &mut nulls);
        let mut keys = [pg_sys::Datum::null(); pg_sys::INDEX_MAX_KEYS as usize];
        let mut key_nulls = [true; pg_sys::INDEX_MAX_KEYS as usize];

        // SAFETY: one guard around all calls into PostgreSQL; the closure owns
        // nothing that an error would have to drop. The arrays have a place for
        // each attribute of the table, whose definition cannot change while we
        // hold a lock on it; the values have the types of their columns (`of`).
        // The steps are those of the executor: read-only check, defaults, tuple,
        // heap, then each index.
        unsafe {
            pg_guard_ffi_boundary(|| {
                prevent_if_not_allowed();
                let id = self.generate(values.as_mut_ptr(), nulls.as_mut_ptr());
                let table = raw::table_open(self.table, pg_sys::NoLock as i32);
                let tuple =
                    raw::heap_form_tuple((*table).rd_att, values.as_mut_ptr(), nulls.as_mut_ptr());
                raw::heap_insert(
                    table,
                    tuple,
                    raw::GetCurrentCommandId(true),
                    0,
                    std::ptr::null_mut(),
                );
                for index in &self.indexes {
                    let relation = raw::index_open(index.oid, pg_sys::RowExclusiveLock as i32);
                    index.insert(
                        relation,
                        table,
                        &mut (*tuple).t_self,
                        values.as_ptr(),
                        nulls.as_ptr(),
                        &mut keys,
                        &mut key_nulls,
                    );
                    raw::index_close(relation, pg_sys::NoLock as i32);
                }
                raw::heap_freetuple(tuple);
                raw::table_close(table, pg_sys::NoLock as i32);
                raw::CommandCounterIncrement();
                id
            })
        }
    }

    /// Puts the fields of a record where their columns are.
    pub(super) fn place(&self, row: &Row, values: &mut [pg_sys::Datum], nulls: &mut [bool]) {
        for (position, cell) in self.fields.iter().zip(&row.cells) {
            values[*position] = cell.value;
            nulls[*position] = cell.is_null;
        }
    }

    /// Fills in what no record names, and gives the id.
    ///
    /// # Safety
    /// Inside a `pg_guard_ffi_boundary`; the arrays have a place for each attribute.
    pub(super) unsafe fn generate(&self, values: *mut pg_sys::Datum, nulls: *mut bool) -> i64 {
        // SAFETY: all positions are attributes of the table.
        unsafe {
            let id = raw::nextval_internal(self.sequence, false);
            *values.add(self.id) = pg_sys::Datum::from(id);
            *nulls.add(self.id) = false;
            *values.add(self.created_at) =
                pg_sys::Datum::from(raw::GetCurrentTransactionStartTimestamp());
            *nulls.add(self.created_at) = false;
            if let Some((updated_at, version)) = self.versions {
                *values.add(updated_at) = *values.add(self.created_at);
                *nulls.add(updated_at) = false;
                *values.add(version) = pg_sys::Datum::from(1i64);
                *nulls.add(version) = false;
            }
            id
        }
    }
}

impl PlainIndex {
    /// Inserts the entry for one row. `keys` and `key_nulls` are scratch space.
    ///
    /// # Safety
    /// Inside a `pg_guard_ffi_boundary`; index and table are open, and the
    /// arrays have a value for each attribute of the table.
    #[allow(clippy::too_many_arguments)] // what index_insert needs
    pub(super) unsafe fn insert(
        &self,
        index: pg_sys::Relation,
        table: pg_sys::Relation,
        tuple: pg_sys::ItemPointer,
        values: *const pg_sys::Datum,
        nulls: *const bool,
        keys: &mut [pg_sys::Datum; pg_sys::INDEX_MAX_KEYS as usize],
        key_nulls: &mut [bool; pg_sys::INDEX_MAX_KEYS as usize],
    ) {
        let unique = if self.unique {
            pg_sys::IndexUniqueCheck::UNIQUE_CHECK_YES
        } else {
            pg_sys::IndexUniqueCheck::UNIQUE_CHECK_NO
        };
        // SAFETY: an index has at most INDEX_MAX_KEYS columns, each an attribute
        // of the table. A B-tree does not look at the IndexInfo.
        unsafe {
            let places = keys.iter_mut().zip(key_nulls.iter_mut());
            for (column, (key, key_null)) in self.columns.iter().zip(places) {
                *key = *values.add(*column);
                *key_null = *nulls.add(*column);
            }
            raw::index_insert(
                index,
                keys.as_mut_ptr(),
                key_nulls.as_mut_ptr(),
                tuple,
                table,
                unique,
                false,
                std::ptr::null_mut(),
            );
        }
    }
}

/// Raises what an INSERT raises in a read-only transaction.
///
/// # Safety
/// Inside a `pg_guard_ffi_boundary`.
pub(super) unsafe fn prevent_if_not_allowed() {
    // SAFETY: raise an error or do nothing.
    unsafe {
        raw::PreventCommandIfReadOnly(c"INSERT".as_ptr());
        raw::PreventCommandIfParallelMode(c"INSERT".as_ptr());
    }
}

/// True if an extension wants to see every access to a table (auditing does):
/// the direct way would pass it by.
pub fn somebody_watches() -> bool {
    // SAFETY: a plain read of a global that is set while libraries load.
    unsafe {
        (&raw const pg_sys::ExecutorCheckPerms_hook)
            .read()
            .is_some()
    }
}

/// A heap on which our owner has the privilege, and whose rows row security does not
/// hide from it: what all ways without a plan ask for.
pub(super) fn is_open_heap(table: &PgRelation, privilege: u32) -> bool {
    is_heap(table, privilege) && !hides_rows_from_owner(table)
}

/// True if row security applies to our owner, too.
pub(super) fn hides_rows_from_owner(table: &PgRelation) -> bool {
    // SAFETY: the relation is open.
    let class = unsafe { &*(*table.as_ptr()).rd_rel };
    class.relrowsecurity
        && (class.relforcerowsecurity || class.relowner != super::acting::owner_role())
}

/// A heap on which our owner has the privilege.
pub(super) fn is_heap(table: &PgRelation, privilege: u32) -> bool {
    // SAFETY: the relation is open; the rest are look-ups in the system caches.
    unsafe {
        let relation = &*table.as_ptr();
        let class = &*relation.rd_rel;
        let wanted = pg_sys::AclMode::from(privilege);
        class.relkind as u8 == pg_sys::RELKIND_RELATION
            && relation.rd_tableam == pg_sys::GetHeapamTableAmRoutine()
            && pg_sys::pg_class_aclcheck(table.oid(), super::acting::owner_role(), wanted)
                == pg_sys::AclResult::ACLCHECK_OK
            // Citus keeps the rows of a distributed table elsewhere.
            && pg_sys::get_extension_oid(c"citus".as_ptr(), true) == pg_sys::InvalidOid
    }
}

/// A table that an INSERT reaches without rules, triggers, checks, generated
/// columns or the bounds of a partition.
fn is_plain_relation(table: &PgRelation) -> bool {
    // SAFETY: the relation is open; its parts live as long.
    unsafe {
        let relation = &*table.as_ptr();
        let class = &*relation.rd_rel;
        let constraints = (*relation.rd_att).constr;
        let checked = !constraints.is_null()
            && ((*constraints).num_check > 0 || (*constraints).has_generated_stored);
        let triggered = !relation.trigdesc.is_null() && has_insert_trigger(&*relation.trigdesc);
        is_open_heap(table, pg_sys::ACL_INSERT)
            && !class.relispartition
            && relation.rd_rules.is_null()
            && !checked
            && !triggered
    }
}

fn has_insert_trigger(triggers: &pg_sys::TriggerDesc) -> bool {
    triggers.trig_insert_before_row
        || triggers.trig_insert_after_row
        || triggers.trig_insert_instead_row
        || triggers.trig_insert_before_statement
        || triggers.trig_insert_after_statement
}

/// The indexes of the table, if all of them are plain.
fn plain_indexes(table: &PgRelation) -> Option<Vec<PlainIndex>> {
    // SAFETY: the table is open and locked, so its indexes stay; each is opened
    // and closed here.
    unsafe {
        let list = pg_sys::RelationGetIndexList(table.as_ptr());
        let oids: Vec<pg_sys::Oid> = (0..pg_sys::list_length(list))
            .map(|i| pg_sys::list_nth_oid(list, i))
            .collect();
        pg_sys::list_free(list);
        let mut indexes = Vec::with_capacity(oids.len());
        for oid in oids {
            let relation = pg_sys::index_open(oid, pg_sys::RowExclusiveLock as i32);
            let form = &*(*relation).rd_index;
            let columns = index_columns(form);
            let plain = (*(*relation).rd_rel).relam == pg_sys::BTREE_AM_OID
                && pg_sys::RelationGetIndexExpressions(relation).is_null()
                && pg_sys::RelationGetIndexPredicate(relation).is_null()
                && !form.indisexclusion
                && compares_as_postgresql(&*relation)
                && (form.indimmediate || !form.indisunique);
            // One that CREATE INDEX CONCURRENTLY has only announced gets no entries yet.
            let ready = form.indisready;
            let unique = form.indisunique;
            pg_sys::index_close(relation, pg_sys::NoLock as i32);
            if !plain {
                return None;
            }
            if ready {
                indexes.push(PlainIndex {
                    oid,
                    unique,
                    columns: columns?,
                });
            }
        }
        Some(indexes)
    }
}

/// True if the index compares by operators of PostgreSQL's own: others may look at the
/// caller's search_path.
///
/// # Safety
/// An open index.
unsafe fn compares_as_postgresql(index: &pg_sys::RelationData) -> bool {
    // SAFETY: a family for each of the columns by which the index is ordered.
    unsafe {
        let keys = (*index.rd_index).indnkeyatts as usize;
        (0..keys).all(|key| (*index.rd_opfamily.add(key)).to_u32() < pg_sys::FirstNormalObjectId)
    }
}

/// The columns of an index, counted from 0; none if one is an expression.
///
/// # Safety
/// `form` is the pg_index row of an open index.
unsafe fn index_columns(form: &pg_sys::FormData_pg_index) -> Option<Vec<usize>> {
    // SAFETY: indkey holds indnatts numbers.
    let numbers = unsafe { form.indkey.values.as_slice(form.indnatts as usize) };
    numbers
        .iter()
        .map(|number| usize::try_from(*number - 1).ok())
        .collect()
}

fn is_identity(attribute: &pg_sys::FormData_pg_attribute) -> bool {
    attribute.attidentity != 0 && attribute.atttypid == pg_sys::INT8OID
}

pub(super) fn is_field(attribute: &pg_sys::FormData_pg_attribute, field_type: FieldType) -> bool {
    attribute.atttypid == super::table::type_oid(field_type) && attribute.atttypmod == -1
}

/// True if the column must have a value and gets none by itself.
fn is_plain_not_null(attribute: &pg_sys::FormData_pg_attribute) -> bool {
    attribute.attnotnull
        && !attribute.atthasdef
        && attribute.attidentity == 0
        && attribute.attgenerated == 0
}

/// True if a record that does not name the column gets NULL in it.
fn is_nullable(attribute: &pg_sys::FormData_pg_attribute) -> bool {
    !attribute.attnotnull
        && !attribute.atthasdef
        && attribute.attidentity == 0
        && attribute.attgenerated == 0
        && !may_have_default_of_type(attribute)
}

/// True if what the column gets by itself, or whether it may be NULL, may be up to its type.
pub(super) fn may_have_default_of_type(attribute: &pg_sys::FormData_pg_attribute) -> bool {
    // SAFETY: look-ups of the type.
    unsafe {
        !attribute.atthasdef
            && attribute.attidentity == 0
            && (pg_sys::get_typtype(attribute.atttypid) as u8 == pg_sys::TYPTYPE_DOMAIN
                || !pg_sys::get_typdefault(attribute.atttypid).is_null())
    }
}

/// True if the column is a timestamptz whose default is a plain `now()`.
pub(super) fn defaults_to_now(
    table: &PgRelation,
    attribute: &pg_sys::FormData_pg_attribute,
) -> bool {
    if attribute.atttypid != pg_sys::TIMESTAMPTZOID || attribute.atttypmod != -1 {
        return false;
    }
    // SAFETY: the default of a column of an open table is NULL or an expression.
    unsafe {
        let default = pg_sys::build_column_default(table.as_ptr(), attribute.attnum.into());
        !default.is_null()
            && (*default).type_ == pg_sys::NodeTag::T_FuncExpr
            && (*default.cast::<pg_sys::FuncExpr>()).funcid.to_u32() == pg_sys::F_NOW
    }
}

/// True if the column is a bigint whose default is the constant 1.
fn defaults_to_one(table: &PgRelation, attribute: &pg_sys::FormData_pg_attribute) -> bool {
    if attribute.atttypid != pg_sys::INT8OID {
        return false;
    }
    // SAFETY: as above; a constant of type bigint is passed by value.
    unsafe {
        let default = pg_sys::build_column_default(table.as_ptr(), attribute.attnum.into());
        let default = pg_sys::eval_const_expressions(std::ptr::null_mut(), default);
        if default.is_null() || (*default).type_ != pg_sys::NodeTag::T_Const {
            return false;
        }
        let constant = &*default.cast::<pg_sys::Const>();
        constant.consttype == pg_sys::INT8OID
            && !constant.constisnull
            && constant.constvalue.value() == 1
    }
}

pub(super) fn identity_sequence(table: pg_sys::Oid, attribute: i16) -> Option<pg_sys::Oid> {
    // SAFETY: the table is open; a missing sequence gives InvalidOid.
    let sequence = unsafe { compat::identity_sequence(table, attribute) };
    (sequence != pg_sys::InvalidOid).then_some(sequence)
}
