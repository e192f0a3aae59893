//! Finding tools by words, tags and category.

use pgrx::pg_sys;

use super::acting::quietly;
use super::ddl::relation_oid;
use super::directory::is_open;
use super::ident::TableName;
use super::registry::read;
use super::spi::{KeptStatement, Param, Rows};
use crate::model::search_words::SearchWords;

/// What is looked for, and who asks.
pub struct Wanted<'a> {
    pub words: Option<&'a SearchWords>,
    /// All of them.
    pub tags: Option<Vec<String>>,
    pub category: Option<&'a str>,
    pub is_active: Option<bool>,
    pub limit: i64,
    pub offset: i64,
    /// The sensitive tools that the reader sees in full.
    pub opened: Vec<String>,
    /// Sees all of them in full.
    pub sees_all: bool,
}

/// A tool that was found. What is not for the reader is none.
pub struct Found {
    pub tool_name: String,
    pub description: Option<String>,
    pub category: Option<String>,
    pub tags: Option<Vec<String>>,
    pub version: Option<String>,
    pub is_active: bool,
    pub rank: f32,
    pub is_open: bool,
}

/// Columns and conditions that both statements have; a tool that is closed to the
/// reader has its name alone, in what is shown and in what is searched.
macro_rules! found {
    ($rank:literal, $matches:literal, $order:literal) => {
        concat!(
            "SELECT d.tool_name, d.is_active, f.is_open \
                  , CASE WHEN f.is_open THEN d.description END, CASE WHEN f.is_open THEN i.category END \
                  , CASE WHEN f.is_open THEN i.tags END, CASE WHEN f.is_open THEN i.version END, ",
            $rank,
            " FROM projectalpha.tool_search AS s \
              JOIN projectalpha.tools AS d ON d.id OPERATOR(pg_catalog.=) s.tool_id \
              LEFT JOIN projectalpha.tool_info AS i ON i.tool_id OPERATOR(pg_catalog.=) s.tool_id \
              CROSS JOIN LATERAL (SELECT ",
            is_open!(),
            ") AS f (is_open) WHERE ",
            $matches,
            " AND ($5 IS NULL OR d.is_active OPERATOR(pg_catalog.=) $5) \
              AND ($6 IS NULL OR (f.is_open AND i.category OPERATOR(pg_catalog.=) $6)) \
              AND ($7 IS NULL OR (f.is_open AND i.tags OPERATOR(pg_catalog.@>) $7)) \
              ORDER BY ",
            $order,
            " LIMIT $2 OFFSET $8"
        )
    };
}

/// The query $1; with $2 its last word may be the beginning of one.
macro_rules! words_of {
    ($language:literal) => {
        concat!(
            "(SELECT CASE WHEN $2 AND w.query::pg_catalog.text OPERATOR(pg_catalog.~~) '%''' \
                          THEN (w.query::pg_catalog.text OPERATOR(pg_catalog.||) ':*')::pg_catalog.tsquery \
                          ELSE w.query END \
                FROM pg_catalog.websearch_to_tsquery('pg_catalog.",
            $language,
            "', $1) AS w (query))"
        )
    };
}

const TYPES: [pg_sys::Oid; 8] = [
    pg_sys::TEXTOID,
    pg_sys::INT8OID,
    pg_sys::TEXTARRAYOID,
    pg_sys::BOOLOID,
    pg_sys::BOOLOID,
    pg_sys::TEXTOID,
    pg_sys::TEXTARRAYOID,
    pg_sys::INT8OID,
];

thread_local! {
    /// Words as they are, or as English has them. With `-word` only as they are: what
    /// must not be there would be allowed in its other form.
    static QUERY: KeptStatement = const { KeptStatement::new(
        concat!(
            "SELECT (CASE WHEN $3 THEN s.query ELSE s.query OPERATOR(pg_catalog.||) e.query END)::pg_catalog.text FROM ",
            words_of!("simple"), " AS s (query), ", words_of!("english"), " AS e (query)",
        ),
        &[pg_sys::TEXTOID, pg_sys::BOOLOID, pg_sys::BOOLOID],
    ) };
    static BY_WORDS: KeptStatement = const { KeptStatement::new(
        found!(
            "pg_catalog.ts_rank(CASE WHEN f.is_open THEN s.document ELSE s.name_part END, $1::pg_catalog.tsquery) AS rank",
            "(s.document OPERATOR(pg_catalog.@@) $1::pg_catalog.tsquery \
              OR s.name_part OPERATOR(pg_catalog.@@) $1::pg_catalog.tsquery) \
              AND CASE WHEN f.is_open THEN s.document ELSE s.name_part END OPERATOR(pg_catalog.@@) $1::pg_catalog.tsquery",
            "rank DESC, d.tool_name"
        ),
        &TYPES,
    ) };
    static ALL: KeptStatement = const { KeptStatement::new(
        found!("0::pg_catalog.float4 AS rank", "$1 IS NULL", "d.tool_name"),
        &TYPES,
    ) };
}

/// False until ALTER EXTENSION ... UPDATE has run: there is nothing to search in yet.
pub fn is_installed() -> bool {
    relation_oid(&TableName::of_configuration("tool_search")).is_some()
}

/// The tools that meet all conditions: the best first, or without words by name.
pub fn find(wanted: Wanted<'_>) -> Vec<Found> {
    let query = match wanted.words {
        None => None,
        Some(words) => match query(words) {
            Some(query) => Some(query),
            // Nothing is left of it to look for.
            None => return Vec::new(),
        },
    };
    let statement = if query.is_some() { &BY_WORDS } else { &ALL };
    let params: Vec<Param> = vec![
        query.into(),
        wanted.limit.into(),
        wanted.opened.into(),
        wanted.sees_all.into(),
        wanted.is_active.into(),
        wanted.category.into(),
        wanted.tags.into(),
        wanted.offset.into(),
    ];
    statement.with(|statement| read(statement, params, found))
}

fn query(words: &SearchWords) -> Option<String> {
    if !words.has_words() {
        return None;
    }
    let params = vec![
        words.plain.as_str().into(),
        words.is_last_open.into(),
        words.excludes.into(),
    ];
    // PostgreSQL remarks on words that English does not count as any.
    let query: Option<String> = quietly(|| {
        QUERY.with(|statement| {
            read(statement, params, |rows| {
                rows.first().and_then(|row| row.get(1))
            })
        })
    });
    query.filter(|query| !query.is_empty())
}

fn found(rows: &Rows) -> Vec<Found> {
    (0..rows.count())
        .filter_map(|index| rows.get(index))
        .map(|row| Found {
            tool_name: row.get(1).unwrap_or_default(),
            is_active: row.get(2).unwrap_or(true),
            is_open: row.get(3).unwrap_or(false),
            description: row.get(4),
            category: row.get(5),
            tags: row.get(6),
            version: row.get(7),
            rank: row.get(8).unwrap_or_default(),
        })
        .collect()
}
