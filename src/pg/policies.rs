//! The rows of `projectalpha.policies`. Until ALTER EXTENSION ... UPDATE has run there
//! are none.

use pgrx::pg_sys;

use super::ddl::relation_oid;
use super::ident::TableName;
use super::registry::{read, read_once, write};
use super::spi::{KeptStatement, Param, RowRef, Rows};
use crate::model::policy::{Conditions, Effect, Policies, Policy};
use crate::model::schema::FieldType;

/// What can be changed of a policy.
pub struct PolicyRow {
    pub effect: Effect,
    pub actions: Vec<String>,
    pub allowed_scopes: Option<Vec<String>>,
    pub priority: i32,
    pub description: Option<String>,
    /// JSON text.
    pub conditions: String,
    pub is_active: bool,
}

thread_local! {
    static OF_TOOL: KeptStatement = const { KeptStatement::new(
        "SELECT p.id, p.name, p.effect, p.actions, p.priority, p.conditions::pg_catalog.text \
         FROM projectalpha.policies AS p \
         WHERE p.tool_id OPERATOR(pg_catalog.=) $1 AND p.is_active",
        &[pg_sys::INT8OID],
    ) };
}

fn is_installed() -> bool {
    relation_oid(&TableName::of_configuration("policies")).is_some()
}

/// The active policies of a tool as they are committed now, for one of its tables with
/// these columns; none if it has none.
pub fn of_tool(tool_id: i64, columns: &[(&str, FieldType)]) -> Option<Box<Policies>> {
    if !is_installed() {
        return None;
    }
    let policy = |row: RowRef<'_>| {
        let conditions: String = row.get(6).unwrap_or_default();
        Policy {
            id: row.get(1).unwrap_or_default(),
            name: row.get(2).unwrap_or_default(),
            // What nobody knows allows nothing.
            effect: effect(&row, 3),
            actions: row.get(4).unwrap_or_default(),
            priority: row.get(5).unwrap_or_default(),
            conditions: Conditions::of_kept(&conditions, columns),
        }
    };
    let policies: Vec<Policy> = OF_TOOL.with(|query| {
        read(query, vec![tool_id.into()], |rows| {
            (0..rows.count())
                .filter_map(|index| rows.get(index))
                .map(policy)
                .collect()
        })
    });
    (!policies.is_empty()).then(|| Box::new(Policies::compile(policies)))
}

fn effect(row: &RowRef<'_>, position: i32) -> Effect {
    let name: Option<String> = row.get(position);
    name.and_then(|name| Effect::parse(&name))
        .unwrap_or(Effect::Deny)
}

pub fn count(tool_id: i64) -> usize {
    read_once(
        "SELECT p.id FROM projectalpha.policies AS p WHERE p.tool_id OPERATOR(pg_catalog.=) $1",
        vec![tool_id.into()],
        Rows::count,
    )
}

/// Adds a policy and gives its id; none if its name is taken.
pub fn insert(tool_id: i64, name: &str, policy: PolicyRow, created_by: &str) -> Option<i64> {
    let mut params: Vec<Param> = vec![tool_id.into(), name.into()];
    params.extend(values(policy));
    params.push(created_by.into());
    write(
        "INSERT INTO projectalpha.policies AS p \
             (tool_id, name, effect, actions, allowed_scopes, priority, description, conditions, is_active, created_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8::pg_catalog.jsonb, $9, $10) \
         ON CONFLICT (tool_id, name) DO NOTHING RETURNING p.id",
        params,
        |rows| rows.first().and_then(|row| row.get(1)),
    )
}

/// The id of a policy, and what it is; whoever changes or deletes it waits for the end
/// of this transaction.
pub fn lock(tool_id: i64, name: &str) -> Option<(i64, PolicyRow)> {
    write(
        "SELECT p.id, p.effect, p.actions, p.allowed_scopes, p.priority, p.description \
              , p.conditions::pg_catalog.text, p.is_active \
         FROM projectalpha.policies AS p \
         WHERE p.tool_id OPERATOR(pg_catalog.=) $1 AND p.name OPERATOR(pg_catalog.=) $2 FOR UPDATE",
        vec![tool_id.into(), name.into()],
        |rows| {
            rows.first().map(|row| {
                let policy = PolicyRow {
                    effect: effect(&row, 2),
                    actions: row.get(3).unwrap_or_default(),
                    allowed_scopes: row.get(4),
                    priority: row.get(5).unwrap_or_default(),
                    description: row.get(6),
                    conditions: row.get(7).unwrap_or_default(),
                    is_active: row.get(8).unwrap_or(false),
                };
                (row.get(1).unwrap_or_default(), policy)
            })
        },
    )
}

pub fn update(id: i64, policy: PolicyRow) {
    let mut params: Vec<Param> = vec![id.into()];
    params.extend(values(policy));
    write(
        "UPDATE projectalpha.policies AS p \
         SET effect = $2, actions = $3, allowed_scopes = $4, priority = $5, description = $6 \
           , conditions = $7::pg_catalog.jsonb, is_active = $8, updated_at = pg_catalog.now() \
         WHERE p.id OPERATOR(pg_catalog.=) $1",
        params,
        |_| (),
    );
}

fn values(policy: PolicyRow) -> [Param; 7] {
    [
        policy.effect.name().into(),
        policy.actions.into(),
        policy.allowed_scopes.into(),
        policy.priority.into(),
        policy.description.into(),
        policy.conditions.into(),
        policy.is_active.into(),
    ]
}

/// False if the tool has no policy of that name.
pub fn delete(tool_id: i64, name: &str) -> bool {
    write(
        "DELETE FROM projectalpha.policies AS p \
         WHERE p.tool_id OPERATOR(pg_catalog.=) $1 AND p.name OPERATOR(pg_catalog.=) $2",
        vec![tool_id.into(), name.into()],
        |rows| rows.count() > 0,
    )
}

/// A policy of a tool, active or not, that goes by one of these fields: its name, and
/// the field.
pub fn going_by(tool_id: i64, fields: Vec<String>) -> Option<(String, String)> {
    if fields.is_empty() || !is_installed() {
        return None;
    }
    read_once(
        "SELECT p.name, f.name FROM projectalpha.policies AS p \
         CROSS JOIN LATERAL pg_catalog.unnest($2) AS f (name) \
         WHERE p.tool_id OPERATOR(pg_catalog.=) $1 \
           AND (p.conditions OPERATOR(pg_catalog.->) 'fields') OPERATOR(pg_catalog.?) f.name \
         ORDER BY p.id LIMIT 1",
        vec![tool_id.into(), fields.into()],
        |rows| {
            let row = rows.first()?;
            Some((row.get(1)?, row.get(2)?))
        },
    )
}

/// Removes the policies of a tool that is no longer there, nor archived.
pub fn forget(tool_id: i64) {
    if !is_installed() {
        return;
    }
    write(
        "DELETE FROM projectalpha.policies AS p WHERE p.tool_id OPERATOR(pg_catalog.=) $1 \
         AND NOT EXISTS (SELECT FROM projectalpha.tools AS t WHERE t.id OPERATOR(pg_catalog.=) $1) \
         AND NOT EXISTS (SELECT FROM projectalpha.archived_tools AS a \
                         WHERE a.tool_id OPERATOR(pg_catalog.=) $1)",
        vec![tool_id.into()],
        |_| (),
    );
}
