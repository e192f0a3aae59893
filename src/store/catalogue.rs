//! Finding tools in the catalogue.

use crate::model::error::Error;
use crate::model::page::Page;
use crate::model::search_words::SearchWords;
use crate::pg::catalogue::{self, Found, Wanted};
use crate::pg::json_writer::JsonWriter;
use crate::pg::{acting, directory};

use super::authorise::{self, Caller};
use super::directory::{opened, Reader};

/// What is looked for; each that is given must hold.
pub struct Search<'a> {
    pub query: Option<&'a str>,
    pub tags: Option<Vec<String>>,
    pub category: Option<&'a str>,
    pub is_active: Option<bool>,
}

/// Tools for a role. Of sensitive tools only administrators and readers see, and
/// search, more than the name.
pub fn search(search: Search<'_>, page: Page) -> Vec<Found> {
    find(search, page, Vec::new(), acting::caller_sees_every_tool())
}

/// False in a database that is older than this library.
pub fn can_search() -> bool {
    catalogue::is_installed()
}

/// Writes a page of tools as the directory shows them, and calls `each` after every
/// one. Who sees what is as in the directory.
pub fn list(
    reader: Reader<'_>,
    search: Search<'_>,
    page: Page,
    writer: &mut JsonWriter,
    mut each: impl FnMut(&mut JsonWriter),
) -> Result<(), Error> {
    if reader.admin_token.is_some() {
        authorise::admin(Caller::Http, reader.admin_token)?;
    }
    let opened = opened(reader.token);
    let found = find(search, page, opened, reader.admin_token.is_some());
    let open = found.iter().filter(|found| found.is_open);
    let open = open.map(|found| found.tool_name.clone()).collect();
    let names = found.into_iter().map(|found| found.tool_name).collect();
    directory::named(names, open, writer, |writer, _| each(writer));
    Ok(())
}

fn find(search: Search<'_>, page: Page, opened: Vec<String>, sees_all: bool) -> Vec<Found> {
    let words = SearchWords::parse(search.query);
    catalogue::find(Wanted {
        words: words.as_ref(),
        tags: search.tags,
        category: search.category,
        is_active: search.is_active,
        limit: page.limit,
        offset: page.offset,
        opened,
        sees_all,
    })
}
