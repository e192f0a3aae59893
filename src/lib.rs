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
    "../sql/registry.sql",
    name = "registry",
    requires = ["archive"]
);
extension_sql_file!(
    "../sql/http.sql",
    name = "http",
    requires = [projectalpha_http]
);
extension_sql_file!("../sql/finish.sql", name = "finish", finalize);

#[pg_guard]
extern "C-unwind" fn _PG_init() {
    pg::settings::register();
    pg::compat::reserve_setting_prefix(c"projectalpha_store");
    pg::cache::register_callback();
    pg::acting::register_callback();
    pg::memory::reuse_large_blocks();
}

/// Required by `cargo pgrx test` at the root of the crate.
#[cfg(test)]
pub mod pg_test {
    pub fn setup(_options: Vec<&str>) {}

    #[must_use]
    pub fn postgresql_conf_options() -> Vec<&'static str> {
        vec![]
    }
}
