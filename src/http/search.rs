//! Filters, order and cursor in the query of a URL, and the link to the next page.

use percent_encoding::{utf8_percent_encode, AsciiSet, NON_ALPHANUMERIC};

use crate::model::filter::TextCondition;
use crate::model::page::Page;
use crate::store::search::{Filter, Search};

/// Longest target of a link; a proxy may refuse an answer with longer headers.
pub(super) const MAX_LINK: usize = 4096;

/// All that has no meaning in a query.
pub(super) const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What a request asks for beyond `limit`, `offset` and `after_id`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct QuerySearch {
    /// `name.operator=value`, in the order of the request.
    pub conditions: Vec<TextCondition>,
    pub order_by: Option<String>,
    pub after: Option<String>,
}

impl QuerySearch {
    /// Takes a decoded parameter if it is one of these. The last one counts if
    /// there are several; conditions add up.
    pub fn take(&mut self, key: &str, value: String) {
        if let Some((field, operator)) = key.split_once('.') {
            self.conditions.push(TextCondition {
                field: field.to_owned(),
                operator: operator.to_owned(),
                value,
            });
        } else if key == "order_by" {
            self.order_by = Some(value);
        } else if key == "after" {
            self.after = Some(value);
        }
    }

    pub fn as_search(&self) -> Search<'_> {
        Search {
            filter: Filter::Query(&self.conditions),
            order_by: self.order_by.as_deref(),
            after: self.after.as_deref(),
        }
    }

    /// The target of the next page, after the record with this id: by a cursor if
    /// there is an order, by the id otherwise. None if it is too long for a header.
    pub fn next_page(
        &self,
        tool: &str,
        page: Page,
        last_id: i64,
        cursor: Option<&str>,
    ) -> Option<String> {
        let encoded = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
        let mut target = format!("/tools/{tool}?limit={}", page.limit);
        match cursor {
            None => target.push_str(&format!("&after_id={last_id}")),
            Some(cursor) => {
                // Here it is a condition like any other.
                if page.after_id != i64::MIN {
                    target.push_str(&format!("&after_id={}", page.after_id));
                }
                let order_by = encoded(self.order_by.as_deref().unwrap_or_default());
                target.push_str(&format!("&order_by={order_by}&after={cursor}"));
            }
        }
        for condition in &self.conditions {
            target.push_str(&format!(
                "&{}.{}={}",
                encoded(&condition.field),
                encoded(&condition.operator),
                encoded(&condition.value)
            ));
        }
        (target.len() <= MAX_LINK).then_some(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(parameters: &[(&str, &str)]) -> QuerySearch {
        let mut search = QuerySearch::default();
        for (key, value) in parameters {
            search.take(key, (*value).to_owned());
        }
        search
    }

    #[test]
    fn parameters_with_a_dot_are_conditions() {
        let search = search(&[
            ("rating.gte", "4"),
            ("limit", "5"),
            ("unknown", "x"),
            ("order_by", "id"),
            ("order_by", "-rating"),
            ("a.b.c", ""),
        ]);
        let keys: Vec<(&str, &str)> = search
            .conditions
            .iter()
            .map(|c| (c.field.as_str(), c.operator.as_str()))
            .collect();
        assert_eq!(keys, [("rating", "gte"), ("a", "b.c")]);
        assert_eq!(search.order_by.as_deref(), Some("-rating"));
        assert_eq!(search.after, None);
    }

    #[test]
    fn links_carry_the_search() {
        let page = |after_id| Page::new(Some(5), None, after_id, 100).unwrap();
        let plain = search(&[]);
        assert_eq!(
            plain.next_page("x", page(None), 7, None).as_deref(),
            Some("/tools/x?limit=5&after_id=7")
        );
        let ordered = search(&[
            ("tag.eq", "a&b=c% é"),
            ("order_by", "-tag"),
            ("x.>\r\n", ""),
        ]);
        assert_eq!(
            ordered.next_page("x", page(Some(3)), 7, Some("cursor")).as_deref(),
            Some("/tools/x?limit=5&after_id=3&order_by=-tag&after=cursor&tag.eq=a%26b%3Dc%25%20%C3%A9&x.%3E%0D%0A=")
        );
        let long = search(&[("tag.eq", &"é".repeat(1000))]);
        assert_eq!(long.next_page("x", page(None), 7, None), None);
    }
}
