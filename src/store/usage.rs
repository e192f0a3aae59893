//! What calls of language models cost (spec 003).

use crate::model::error::Error;
use crate::model::resource_error::ResourceError;
use crate::model::resource_text::{check_name, MAX_LLM};
use crate::pg::prompts;
use crate::pg::usage::{self, Call, Cost};

use super::project_access;

/// A call as it is reported.
pub struct Report<'a> {
    pub project_id: Option<i64>,
    pub prompt_id: Option<i64>,
    pub model: Option<&'a str>,
    pub tokens_in: Option<i64>,
    pub tokens_out: Option<i64>,
    pub cost: Option<Cost>,
    pub token: Option<&'a str>,
}

/// Adds a call to the bill of the project's client, and gives its id.
pub fn record(report: Report<'_>) -> Result<Option<i64>, Error> {
    let project = project_access::appender(report.project_id, report.token)?;
    let model = report
        .model
        .ok_or(Error::ArgumentNull { argument: "model" })?;
    check_name("model", model, MAX_LLM)?;
    let tokens_in = tokens("tokens_in", report.tokens_in)?;
    let tokens_out = tokens("tokens_out", report.tokens_out)?;
    let cost = report
        .cost
        .ok_or(Error::ArgumentNull { argument: "cost" })?;
    cost.check()?;
    if let Some(id) = report.prompt_id {
        prompts::find(id).ok_or(ResourceError::PromptNotFound)?;
    }
    usage::insert(Call {
        project: project.id,
        client_id: project.client_id,
        prompt_id: report.prompt_id,
        model,
        tokens_in,
        tokens_out,
        cost,
    })
}

fn tokens(what: &'static str, count: Option<i64>) -> Result<i64, Error> {
    let count = count.ok_or(Error::ArgumentNull { argument: what })?;
    if count < 0 {
        return Err(ResourceError::TokensNegative { what }.into());
    }
    Ok(count)
}
