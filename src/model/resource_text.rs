//! Texts that name and describe what projects share and keep. Spec 003 says how
//! long they may be.

use super::resource_error::ResourceError;

pub const MAX_NAME: usize = 255;
pub const MAX_VERSION: usize = 50;
pub const MAX_TITLE: usize = 255;
pub const MAX_CATEGORY: usize = 100;
/// The name of a language model.
pub const MAX_LLM: usize = 100;

/// Checks a text by which something is found again: what cannot be seen in it would
/// keep it from being found.
pub fn check_name<'a>(
    what: &'static str,
    text: &'a str,
    max: usize,
) -> Result<&'a str, ResourceError> {
    let fits =
        text.chars().nth(max).is_none() && !text.chars().any(char::is_control) && !is_blank(text);
    if fits {
        Ok(text)
    } else {
        Err(ResourceError::TextInvalid { what, max })
    }
}

/// Checks a text that is only read.
pub fn check_length(what: &'static str, text: &str, max: usize) -> Result<(), ResourceError> {
    match text.chars().nth(max) {
        None => Ok(()),
        Some(_) => Err(ResourceError::TextTooLong { what, max }),
    }
}

fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for fine in ["a", "größe ja", &"é".repeat(255)] {
            assert!(check_name("x", fine, MAX_NAME).is_ok(), "{fine}");
        }
        for wrong in ["", " ", "\u{a0}", "a\nb", "a\u{7}", &"é".repeat(256)] {
            assert!(check_name("x", wrong, MAX_NAME).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn lengths_are_in_characters() {
        assert!(check_length("x", "", 0).is_ok());
        assert!(check_length("x", "é\n", 2).is_ok());
        assert!(check_length("x", "é\n ", 2).is_err());
    }
}
