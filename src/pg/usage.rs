//! Calls of language models, one row each, which nobody changes again.

use pgrx::{pg_sys, AnyNumeric};

use super::ddl;
use super::registry::write_kept;
use super::spi::KeptStatement;
use crate::model::error::Error;
use crate::model::project::ProjectId;
use crate::model::resource_error::ResourceError;
use crate::model::usage::check_cost;

/// What a call has cost.
pub struct Cost(AnyNumeric);

impl From<AnyNumeric> for Cost {
    fn from(cost: AnyNumeric) -> Self {
        Cost(cost)
    }
}

impl Cost {
    pub fn check(&self) -> Result<(), ResourceError> {
        check_cost(&self.0.to_string())
    }
}

/// A call of a language model.
pub struct Call<'a> {
    pub project: ProjectId,
    /// Who pays for it.
    pub client_id: Option<i64>,
    pub prompt_id: Option<i64>,
    pub model: &'a str,
    pub tokens_in: i64,
    pub tokens_out: i64,
    pub cost: Cost,
}

thread_local! {
    static INSERT: KeptStatement = const { KeptStatement::new(
        "INSERT INTO projectalpha_data.llm_usage \
             (project_id, client_id, prompt_id, model, tokens_in, tokens_out, cost) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id::pg_catalog.int8",
        &[
            pg_sys::INT8OID,
            pg_sys::INT8OID,
            pg_sys::INT8OID,
            pg_sys::TEXTOID,
            pg_sys::INT8OID,
            pg_sys::INT8OID,
            pg_sys::NUMERICOID,
        ],
    ) };
}

/// Adds a call and gives its id; none if a trigger took the row away.
pub fn insert(call: Call<'_>) -> Result<Option<i64>, Error> {
    ddl::ensure_usage_table()?;
    let params = vec![
        call.project.value().into(),
        call.client_id.into(),
        call.prompt_id.into(),
        call.model.into(),
        call.tokens_in.into(),
        call.tokens_out.into(),
        call.cost.0.into(),
    ];
    Ok(write_kept(&INSERT, params, |rows| {
        rows.first().and_then(|row| row.get(1))
    }))
}
