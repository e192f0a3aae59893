//! Moving a project to another database: its manifest is written into its schema,
//! which `pg_dump` copies, and there the schema becomes a project again.

use std::ffi::CString;

use crate::model::error::Error;
use crate::model::manifest::{Manifest, ObjectModel, Prompt, Tool};
use crate::model::moving_error::MovingError;
use crate::model::name::ToolName;
use crate::model::options::ToolOptions;
use crate::model::project::{checked_name, ProjectId, Status};
use crate::model::project_error::ProjectError;
use crate::pg::adoption::{self, NewIds};
use crate::pg::ddl::{self, KeepOut};
use crate::pg::ident::TableName;
use crate::pg::jsonb::Jsonb;
use crate::pg::projects::{self, Lock};
use crate::pg::{
    acting, manifest, migrations, project_schema, project_tables, project_tools, promotion,
    registry, report, role_access, settings,
};

use super::info::Storage;
use super::projects::{id_of_project, not_found};
use super::tools::Registration;
use super::{authorise, object_models, prompts, tools};

/// Writes the manifest of a project into its schema, and gives it as JSON text.
pub fn export(project: Option<i64>) -> Result<String, Error> {
    authorise::admin_role()?;
    let project = id_of_project(project)?;
    // Neither a migration nor a change of its tools is under way.
    projects::lock(project, Lock::Exclusive).ok_or_else(|| not_found(project))?;
    project_schema::check(project)?;
    let models = manifest::object_model_ids();
    let ids = manifest::unknown_ids(project, manifest::CONTENTS, &models)?;
    if !ids.is_empty() {
        return Err(MovingError::ModelsMissing { ids }.into());
    }
    let text = manifest::put(project, &acting::caller_name())?;
    text.ok_or_else(|| not_found(project))
}

/// To be called whenever the tables of a project have changed: roles get to what is
/// new, and a manifest that says otherwise is one no more.
pub(super) fn tables_changed(project: ProjectId) -> Result<(), Error> {
    manifest::outdate(project)?;
    role_access::apply(project);
    Ok(())
}

/// Makes a project of a schema that was restored from a dump, with all that its
/// manifest says. On failure nothing is rolled back here: the caller raises.
pub fn adopt(
    schema_name: Option<&str>,
    name: Option<&str>,
    client_id: Option<i64>,
) -> Result<ProjectId, Error> {
    authorise::admin_role()?;
    let schema = schema_name.ok_or(Error::ArgumentNull {
        argument: "schema_name",
    })?;
    let name = name.map(|name| checked_name("project", name)).transpose()?;
    let project = ProjectId::of_schema(schema).ok_or(MovingError::SchemaNameInvalid)?;
    if !promotion::sees_commits_of_others() {
        return Err(MovingError::IsolationLevel.into());
    }
    adoption::lock_projects();
    if projects::find(project).is_some() {
        return Err(MovingError::ProjectExists { project }.into());
    }
    check_schema(project)?;
    let text = manifest::read(project)?.ok_or_else(|| MovingError::ManifestMissing {
        schema: schema.to_owned(),
    })?;
    let manifest = Manifest::parse(&text)?;
    Status::parse(&manifest.status)?;
    lock_tables(project)?;

    let name = match name {
        Some(name) => name,
        None => checked_name("project", &manifest.name)?,
    };
    add_project(project, name, client_id, &manifest)?;
    add_migrations(project, &manifest)?;
    add_tools(project, client_id, &manifest.tools)?;
    let models = add_object_models(&manifest.object_models)?;
    refuse_unknown(project, manifest::CONTENTS, models.old())?;
    adoption::rewrite_models(project, &models)?;
    add_prompts(project, &manifest, &models)?;
    adoption::reset_privileges(project);
    // It speaks of the other database.
    ddl::drop_table(&manifest::table_of(project));
    Ok(project)
}

/// Nothing in the schema is anybody else's or breaks the rules of projects, and all of
/// it is there.
fn check_schema(project: ProjectId) -> Result<(), Error> {
    let schema = project.schema_name();
    project_schema::check(project).map_err(|fault| match fault {
        Error::Project(ProjectError::SchemaMissing { .. }) => MovingError::SchemaNotFound {
            schema: schema.clone(),
        }
        .into(),
        other => other,
    })?;
    if let Some(object) = adoption::with_other_owner(project) {
        return Err(Error::ForeignOwner { object });
    }
    if let Some(table) = adoption::without_primary_key(project) {
        return Err(MovingError::Unfinished { table }.into());
    }
    match project_schema::exceptions(project).into_iter().next() {
        Some(what) => Err(MovingError::Unfit { what }.into()),
        None => Ok(()),
    }
}

/// Has writers wait whose rows would not be rewritten.
fn lock_tables(project: ProjectId) -> Result<(), Error> {
    let milliseconds = settings::ddl_lock_timeout();
    let lock = || {
        for (table, _) in [manifest::CONTENTS, manifest::PROMPT_COMPONENTS] {
            ddl::lock_table(&TableName::in_project(project, table), KeepOut::Writers)?;
        }
        Ok(())
    };
    report::unless_locked(|| acting::with_lock_timeout(milliseconds, lock)).unwrap_or_else(|| {
        Err(ProjectError::Locked {
            project: project.value(),
            milliseconds,
        }
        .into())
    })
}

fn add_project(
    project: ProjectId,
    name: &str,
    client_id: Option<i64>,
    manifest: &Manifest,
) -> Result<(), Error> {
    match (client_id, &manifest.client) {
        (Some(client), _) if !projects::lock_client(client, Lock::Shared) => {
            return Err(ProjectError::ClientNotFound { client }.into());
        }
        (None, Some(client)) => report::notice(&format!(
            "project {} belonged to client '{client}' and has none here: pass client_id to give it one",
            project.value()
        )),
        _ => (),
    }
    if adoption::insert_project(project, name, client_id, manifest) {
        Ok(())
    } else {
        Err(MovingError::ProjectExists { project }.into())
    }
}

/// The template must be what the project's tables were made by.
fn add_migrations(project: ProjectId, manifest: &Manifest) -> Result<(), Error> {
    for migration in &manifest.migrations {
        let version = migration.version;
        let name = migration.name.clone();
        match adoption::checksum(version) {
            Some(checksum) if checksum == migration.checksum => {
                migrations::note_applied(project, version, &acting::caller_name());
            }
            Some(_) => return Err(MovingError::MigrationDiffers { version, name }.into()),
            None => return Err(MovingError::MigrationMissing { version, name }.into()),
        }
    }
    Ok(())
}

fn add_tools(project: ProjectId, client_id: Option<i64>, list: &[Tool]) -> Result<(), Error> {
    let mut ids = NewIds::default();
    for tool in list {
        let name = ToolName::parse(&tool.name)?;
        let table = TableName::of_tool_in(&name, project);
        ddl::check_tool_table(&table)?;
        // What is no table is refused: a view could run any code as the owner of all.
        project_tables::open(project, &table.table)?;
        if registry::tool(&name).is_none() {
            register(tool)?;
        }
        let id = registry::lock_tool_for_use(&name).ok_or(Error::ToolNotFound)?;
        let version = adoption::version_like(id, tool).ok_or_else(|| MovingError::ToolDiffers {
            tool: tool.name.clone(),
        })?;
        adoption::insert_tool(project, id, version, tool.enabled);
        if let Some(client) = client_id.filter(|_| tool.enabled) {
            project_tools::allow(client, id);
        }
        ids.add(tool.id, id);
    }
    adoption::rewrite_idempotency_keys(project, &ids);
    Ok(())
}

/// Registers a tool that nobody has a token of.
fn register(tool: &Tool) -> Result<(), Error> {
    let options = tool.options.get();
    let value = serde_json::from_str(options).map_err(|_| MovingError::ManifestInvalid)?;
    if ToolOptions::has_unknown(&value) {
        return Err(MovingError::ManifestInvalid.into());
    }
    tools::register_without_token(&Registration {
        tool_name: Some(&tool.name),
        token: None,
        schema: tool.schema_definition.as_ref().map(|schema| schema.get()),
        sensitive: Some(tool.sensitive),
        description: tool.description.as_deref(),
        options: ToolOptions::parse(Some(options)),
        storage: Storage::Table,
        admin_token: None,
    })
}

fn add_object_models(list: &[ObjectModel]) -> Result<NewIds, Error> {
    let mut ids = NewIds::default();
    for model in list {
        let id = match adoption::same_model(model) {
            Some((id, true)) => id,
            Some((_, false)) => {
                return Err(MovingError::ModelDiffers {
                    name: model.name.clone(),
                    version: model.version.clone(),
                }
                .into())
            }
            None => object_models::create(
                Some(&model.name),
                Some(&model.version),
                Some(document(model.structure.get())?),
                model.description.as_deref(),
            )?,
        };
        ids.add(model.id, id);
    }
    Ok(ids)
}

fn add_prompts(project: ProjectId, manifest: &Manifest, models: &NewIds) -> Result<(), Error> {
    let mut ids = NewIds::default();
    for prompt in &manifest.prompts {
        let id = match adoption::same_prompt(prompt) {
            Some((id, is_same)) => {
                if !is_same {
                    report::notice(&format!(
                        "prompt '{}' is another one here; the project keeps its adaptation",
                        prompt.name
                    ));
                }
                id
            }
            None => create_prompt(prompt, models)?,
        };
        ids.add(prompt.id, id);
    }
    let known: Vec<i64> = [ids.old(), &manifest.lost_prompts].concat();
    refuse_unknown(project, manifest::PROMPT_COMPONENTS, &known)?;
    adoption::rewrite_prompts(project, &ids, &manifest.lost_prompts)
}

fn create_prompt(prompt: &Prompt, models: &NewIds) -> Result<i64, Error> {
    let model = prompt
        .object_model_id
        .map(|id| models.of(id).ok_or(MovingError::ManifestInvalid))
        .transpose()?;
    prompts::create(
        Some(&prompt.name),
        Some(&prompt.template),
        Some(document(prompt.parameters.get())?),
        model,
    )
}

fn refuse_unknown(project: ProjectId, reference: (&str, &str), known: &[i64]) -> Result<(), Error> {
    if manifest::unknown_ids(project, reference, known)?.is_empty() {
        return Ok(());
    }
    let table = reference.0.to_owned();
    Err(MovingError::ManifestOutdated { table }.into())
}

/// JSON text of the manifest, which was a jsonb.
fn document(json: &str) -> Result<Jsonb<'static>, Error> {
    let json = CString::new(json).map_err(|_| MovingError::ManifestInvalid)?;
    Ok(Jsonb::parse(&json))
}
