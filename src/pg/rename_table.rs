//! Renaming a table with its sequences and indexes, so that its name and theirs
//! are free for another.

use std::collections::BTreeMap;

use pgrx::pg_sys;

use super::acting::as_owner_for_ddl;
use super::ddl::run;
use super::ident::{Quoted, TableName};
use super::spi::{self, Access};

/// Names of indexes and sequences before, by their names now.
pub type Renamed = BTreeMap<String, String>;

struct Belonging {
    is_sequence: bool,
    name: String,
}

/// Renames a table and what is named after it; gives the names of the latter.
/// Views and whatever else depends on the table go on working: they know it by
/// its OID. The caller holds it locked exclusively.
pub fn rename(oid: pg_sys::Oid, from: &TableName, to: &TableName) -> Renamed {
    rename_with(oid, from, to, |name, number| {
        from.renamed_along(name, to, number)
    })
}

/// Takes a [`rename`] back: `names` has what indexes and sequences are to be
/// called, by their names now. What has been made since is renamed with the table.
pub fn rename_back(oid: pg_sys::Oid, from: &TableName, to: &TableName, names: &Renamed) {
    rename_with(oid, from, to, |name, number| {
        let given = names.get(name).cloned();
        given.or_else(|| from.renamed_along(name, to, number))
    });
}

fn rename_with(
    oid: pg_sys::Oid,
    from: &TableName,
    to: &TableName,
    new_name: impl Fn(&str, usize) -> Option<String>,
) -> Renamed {
    as_owner_for_ddl(|| {
        let belongings = belongings(oid);
        run(&format!(
            "ALTER TABLE {from} RENAME TO {}",
            Quoted(&to.table)
        ));
        let mut renamed = Renamed::new();
        for (number, belonging) in belongings.into_iter().enumerate() {
            let Some(new) = new_name(&belonging.name, number) else {
                continue;
            };
            let kind = if belonging.is_sequence {
                "SEQUENCE"
            } else {
                "INDEX"
            };
            run(&format!(
                "ALTER {kind} {}.{} RENAME TO {}",
                Quoted(&from.schema),
                Quoted(&belonging.name),
                Quoted(&new)
            ));
            renamed.insert(new, belonging.name);
        }
        renamed
    })
}

/// The indexes of a table and the sequences of its columns.
fn belongings(oid: pg_sys::Oid) -> Vec<Belonging> {
    spi::connected(|c| {
        let rows = c.execute(
            "SELECT false, c.relname::pg_catalog.text FROM pg_catalog.pg_index AS i \
             JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) i.indexrelid \
             WHERE i.indrelid OPERATOR(pg_catalog.=) $1 \
             UNION ALL \
             SELECT true, c.relname::pg_catalog.text FROM pg_catalog.pg_depend AS d \
             JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) d.objid \
             WHERE d.refobjid OPERATOR(pg_catalog.=) $1 \
               AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass \
               AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass \
               AND d.deptype OPERATOR(pg_catalog.=) ANY (ARRAY['a', 'i']::pg_catalog.\"char\"[]) \
               AND c.relkind OPERATOR(pg_catalog.=) 'S' \
             ORDER BY 2",
            vec![oid.into()],
            Access::Write,
        );
        (0..rows.count())
            .filter_map(|index| rows.get(index))
            .map(|row| Belonging {
                is_sequence: row.get(1).unwrap_or_default(),
                name: row.get(2).unwrap_or_default(),
            })
            .collect()
    })
}
