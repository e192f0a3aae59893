//! What the query of `GET /tools` looks for, and the link to the next page.

use percent_encoding::utf8_percent_encode;

use crate::model::page::Page;
use crate::store::catalogue::Search;

use super::request::Request;
use super::search::{ENCODED, MAX_LINK};

#[derive(Default)]
pub struct ToolSearch {
    q: Option<String>,
    tags: Vec<String>,
    category: Option<String>,
}

impl ToolSearch {
    /// What is empty asks for nothing: forms send it so.
    pub fn of(request: &Request<'_>) -> Self {
        let value = |name| request.query_value(name).map(without_nul);
        let is_given = |text: &String| !text.trim().is_empty();
        let tags = request.query_values("tag").into_iter().map(without_nul);
        ToolSearch {
            q: value("q").filter(is_given),
            tags: tags.filter(is_given).collect(),
            category: value("category").filter(is_given),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.q.is_none() && self.tags.is_empty() && self.category.is_none()
    }

    pub fn as_search(&self) -> Search<'_> {
        Search {
            query: self.q.as_deref(),
            tags: (!self.tags.is_empty()).then(|| self.tags.clone()),
            category: self.category.as_deref(),
            is_active: Some(true),
        }
    }

    /// The target of the next page; none if it is too long for a header.
    pub fn next_page(&self, page: Page) -> Option<String> {
        let offset = page.offset.saturating_add(page.limit);
        let mut target = format!("/tools?limit={}&offset={offset}", page.limit);
        let named = self.tags.iter().map(|tag| ("tag", tag));
        let (q, category) = (self.q.iter(), self.category.iter());
        for (name, value) in q
            .map(|q| ("q", q))
            .chain(named)
            .chain(category.map(|c| ("category", c)))
        {
            target.push_str(&format!("&{name}={}", utf8_percent_encode(value, ENCODED)));
        }
        (target.len() <= MAX_LINK).then_some(target)
    }
}

/// PostgreSQL's text holds no NUL, and nothing that is looked for has one.
fn without_nul(text: String) -> String {
    text.replace('\0', "\u{fffd}")
}
