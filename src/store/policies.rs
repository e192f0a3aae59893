//! Policies of tools: adding, changing and deleting them. The gate asks them.

use crate::model::error::Error;
use crate::model::name::ToolName;
use crate::model::policy::definition::{
    check_name, checked_actions, checked_description, checked_effect, checked_scopes, PolicyChanges,
};
use crate::model::policy::Conditions;
use crate::model::policy_error::{PolicyError, MAX_POLICIES};
use crate::model::schema::Schema;
use crate::pg::policies::{self, PolicyRow};
use crate::pg::{acting, agents, rate_limit, registry};

use super::authorise::{self, Caller};
use super::records::name_of_tool;

/// What is asked for in a new policy.
pub struct NewPolicy<'a> {
    pub tool_name: Option<&'a str>,
    pub name: Option<&'a str>,
    pub effect: Option<&'a str>,
    pub actions: Option<Vec<Option<String>>>,
    /// JSON text.
    pub conditions: Option<String>,
    pub allowed_scopes: Option<Vec<Option<String>>>,
    pub priority: Option<i32>,
    pub description: Option<&'a str>,
}

/// Adds a policy and gives its id. Sessions follow at commit.
pub fn create(caller: Caller, new: NewPolicy<'_>, admin_token: Option<&str>) -> Result<i64, Error> {
    authorise::admin(caller, admin_token)?;
    let null = |argument| Error::ArgumentNull { argument };
    let tool = name_of_tool(new.tool_name)?;
    let name = new.name.ok_or_else(|| null("name"))?;
    check_name(name)?;
    let effect = checked_effect(new.effect.ok_or_else(|| null("effect"))?)?;
    let actions = new.actions.ok_or_else(|| null("actions"))?;
    let conditions = new.conditions.ok_or_else(|| null("conditions"))?;
    let priority = new.priority.ok_or_else(|| null("priority"))?;
    let description = new.description.map(checked_description).transpose()?;

    let tool_id = lock_tool(&tool)?;
    let own = agents::allowed_scopes(tool_id);
    let scopes = |scopes| checked_scopes(effect, scopes, own.as_deref());
    let policy = PolicyRow {
        effect,
        actions: checked_actions(actions, own.as_deref().unwrap_or_default())?,
        allowed_scopes: new.allowed_scopes.map(scopes).transpose()?,
        priority,
        description: description.map(str::to_owned),
        conditions: checked_conditions(&tool, conditions)?,
        is_active: true,
    };
    if policies::count(tool_id) >= MAX_POLICIES {
        return Err(PolicyError::TooMany.into());
    }
    policies::insert(tool_id, name, policy, &acting::caller_name()).ok_or_else(|| {
        PolicyError::Exists {
            name: name.to_owned(),
        }
        .into()
    })
}

/// Changes what is named of a policy, all or nothing.
pub fn update(
    caller: Caller,
    tool_name: Option<&str>,
    name: Option<&str>,
    changes: Option<&str>,
    admin_token: Option<&str>,
) -> Result<(), Error> {
    authorise::admin(caller, admin_token)?;
    let tool = name_of_tool(tool_name)?;
    let name = name.ok_or(Error::ArgumentNull { argument: "name" })?;
    check_name(name)?;
    let changes = changes.ok_or(Error::ArgumentNull {
        argument: "changes",
    })?;
    let changes = PolicyChanges::parse(changes)?;

    let tool_id = lock_tool(&tool)?;
    let (id, mut policy) = policies::lock(tool_id, name).ok_or_else(|| not_found(name))?;
    let own = agents::allowed_scopes(tool_id);
    policy.effect = changes.effect.unwrap_or(policy.effect);
    if let Some(actions) = changes.actions {
        policy.actions = checked_actions(actions, own.as_deref().unwrap_or_default())?;
    }
    if let Some(scopes) = changes.allowed_scopes {
        let checked = |scopes| checked_scopes(policy.effect, scopes, own.as_deref());
        policy.allowed_scopes = scopes.map(checked).transpose()?;
    } else if policy.allowed_scopes.is_some() {
        // Those that it has may be of an effect that grants nothing now.
        checked_scopes(policy.effect, Vec::new(), None)?;
    }
    if let Some(conditions) = changes.conditions {
        policy.conditions = checked_conditions(&tool, conditions)?;
    }
    policy.description = changes.description.unwrap_or(policy.description);
    policy.priority = changes.priority.unwrap_or(policy.priority);
    policy.is_active = changes.is_active.unwrap_or(policy.is_active);
    policies::update(id, policy);
    Ok(())
}

pub fn delete(
    caller: Caller,
    tool_name: Option<&str>,
    name: Option<&str>,
    admin_token: Option<&str>,
) -> Result<(), Error> {
    authorise::admin(caller, admin_token)?;
    let tool = name_of_tool(tool_name)?;
    let name = name.ok_or(Error::ArgumentNull { argument: "name" })?;
    check_name(name)?;
    let tool_id = lock_tool(&tool)?;
    if policies::delete(tool_id, name) {
        Ok(())
    } else {
        Err(not_found(name).into())
    }
}

/// The tool, whose fields nobody changes until the end of the transaction.
fn lock_tool(tool: &ToolName) -> Result<i64, Error> {
    registry::lock_tool_for_use(tool).ok_or(Error::ToolNotFound)
}

fn not_found(name: &str) -> PolicyError {
    PolicyError::NotFound {
        name: name.to_owned(),
    }
}

/// The conditions, if they are fit for the tool as it is now.
fn checked_conditions(tool: &ToolName, conditions: String) -> Result<String, Error> {
    let row = registry::tool(tool).ok_or(Error::ToolNotFound)?;
    let schema = Schema::of_registered(row.schema_definition.as_deref())?;
    let parsed = Conditions::parse(&conditions, &schema.columns())?;
    if parsed.rate().is_some() && !rate_limit::is_available() {
        return Err(PolicyError::RateUnavailable.into());
    }
    Ok(conditions)
}
