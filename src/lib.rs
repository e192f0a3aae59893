//! projectalpha_store: a multi-tenant JSON storage service inside PostgreSQL.
//!
//! Wiring only: what happens when the library is loaded, and the order of the
//! SQL files in the install script. The layers, from the outside in: `api`
//! (SQL) and `http` (PostgREST), `store` (the operations), `pg` (PostgreSQL
//! internals), `model` (pure rules). A layer uses only layers below it.

use pgrx::prelude::*;

mod api;
mod http;
mod model;
mod pg;
mod store;

::pgrx::pg_module_magic!(name, version);

/// Public functions, configuration and views.
#[pg_schema]
mod projectalpha {}

/// The HTTP endpoints, called by PostgREST alone.
#[pg_schema]
mod projectalpha_http {}

extension_sql_file!("../sql/roles.sql", name = "roles", bootstrap);
extension_sql_file!(
    "../sql/tables.sql",
    name = "tables",
    requires = [projectalpha]
);
extension_sql_file!(
    "../sql/configured.sql",
    name = "configured",
    requires = ["tables"]
);
extension_sql_file!("../sql/views.sql", name = "views", requires = ["tables"]);
extension_sql_file!(
    "../sql/archive.sql",
    name = "archive",
    requires = ["tables"]
);
extension_sql_file!(
    "../sql/history.sql",
    name = "history",
    requires = ["archive"]
);
extension_sql_file!(
    "../sql/projects.sql",
    name = "projects",
    requires = ["tables"]
);
extension_sql_file!(
    "../sql/project_tools.sql",
    name = "project_tools",
    requires = ["projects", "history"]
);
extension_sql_file!(
    "../sql/finish_tenants.sql",
    name = "finish_tenants",
    requires = [
        "project_tools",
        api::project_tools::enable_tool,
        api::project_tools::disable_tool,
        api::project_tools::allow_tool,
        api::project_tools::disallow_tool
    ]
);
extension_sql_file!(
    "../sql/resources.sql",
    name = "resources",
    requires = ["projects"]
);
extension_sql_file!(
    "../sql/template.sql",
    name = "template",
    requires = ["projects"]
);
extension_sql_file!(
    "../sql/upgrade_projects.sql",
    name = "upgrade_projects",
    requires = ["projects", "history"]
);
extension_sql_file!(
    "../sql/project_access.sql",
    name = "project_access",
    requires = ["projects"]
);
extension_sql_file!("../sql/agents.sql", name = "agents", requires = ["archive"]);
extension_sql_file!(
    "../sql/registry.sql",
    name = "registry",
    requires = ["archive"]
);
extension_sql_file!(
    "../sql/http.sql",
    name = "http",
    requires = [projectalpha_http]
);
extension_sql_file!(
    "../sql/finish_resources.sql",
    name = "finish_resources",
    requires = [
        "resources",
        create_object_model,
        delete_object_model,
        create_prompt,
        update_prompt,
        delete_prompt,
        adapt_prompt,
        render_prompt,
        issue_project_token,
        store_content,
        set_vocabulary,
        set_metadata,
        record_llm_usage,
    ]
);
extension_sql_file!(
    "../sql/finish_projects.sql",
    name = "finish_projects",
    requires = [
        "upgrade_projects",
        "template",
        api::invalidation::invalidate_caches,
        api::projects::create_client,
        api::projects::delete_client,
        api::projects::create_project,
        api::projects::set_project_status,
        api::projects::drop_project,
        api::migrations::add_project_migration,
        api::migrations::remove_project_migration,
        api::migrations::upgrade_project,
        api::migrations::try_upgrade_project
    ]
);
extension_sql_file!(
    "../sql/finish_project_access.sql",
    name = "finish_project_access",
    requires = [
        "project_access",
        api::role_access::grant_project_access,
        api::role_access::revoke_project_access,
        api::across::across_projects,
        api::moving::export_project,
        api::moving::adopt_project
    ]
);
extension_sql_file!("../sql/finish.sql", name = "finish", finalize);

/// Runs in a session that uses the library for the first time; or, if it is
/// preloaded, once in the postmaster, where there is no database and no transaction.
/// Sessions then inherit what is set here, the callbacks too, and begin with the
/// empty caches of the postmaster.
#[pg_guard]
extern "C-unwind" fn _PG_init() {
    pg::settings::register();
    pg::compat::reserve_setting_prefix(c"projectalpha_store");
    if pg::compat::is_preloading() {
        pg::rate_limit::reserve();
    }
    pg::cache::register_callback();
    pg::acting::register_callback();
    pg::own_writes::register_callback();
}

/// Required by `cargo pgrx test` at the root of the crate.
#[cfg(test)]
pub mod pg_test {
    pub fn setup(_options: Vec<&str>) {}

    #[must_use]
    pub fn postgresql_conf_options() -> Vec<&'static str> {
        vec!["shared_preload_libraries = 'projectalpha_store'"]
    }
}
