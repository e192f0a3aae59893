//! What somebody types to find a tool, made fit for PostgreSQL's
//! `websearch_to_tsquery`: words are taken apart where the indexed text is.

/// Longest query, in characters; what follows is ignored.
const MAX_QUERY: usize = 500;

/// A query: words, `"phrases in order"`, `or`, and `-word` for what must not be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchWords {
    /// Words of letters and digits; quotes; a minus at the start of a word.
    pub plain: String,
    /// True if the last word may be the beginning of one.
    pub is_last_open: bool,
    /// True if something must not be there.
    pub excludes: bool,
}

impl SearchWords {
    /// None if nothing is asked for: no query, or blanks.
    pub fn parse(query: Option<&str>) -> Option<Self> {
        let query = query.filter(|query| !query.trim().is_empty())?;
        let mut words = SearchWords {
            plain: String::new(),
            is_last_open: false,
            excludes: false,
        };
        let mut previous = ' ';
        let mut in_phrase = false;
        let mut is_excluded = false;
        let mut rest = query.chars().take(MAX_QUERY).peekable();
        while let Some(c) = rest.next() {
            let starts = previous.is_whitespace();
            let next_is_word = rest
                .peek()
                .is_some_and(|next| is_word(*next) || *next == '"');
            match c {
                '"' => {
                    in_phrase = !in_phrase;
                    words.plain.push(c);
                    words.is_last_open = false;
                }
                '-' if starts && !in_phrase && next_is_word => {
                    words.plain.push(c);
                    words.excludes = true;
                    is_excluded = true;
                }
                c if is_word(c) => {
                    words.plain.push(c);
                    words.is_last_open = !in_phrase && !is_excluded;
                }
                c => {
                    words.plain.push(' ');
                    is_excluded &= in_phrase || !c.is_whitespace();
                    // What somebody has ended with a blank is a whole word.
                    words.is_last_open &= !c.is_whitespace();
                }
            }
            previous = c;
        }
        Some(words)
    }

    /// True if there is a word to look for.
    pub fn has_words(&self) -> bool {
        self.plain.chars().any(is_word)
    }
}

/// All of Unicode but what ASCII has besides letters and digits: PostgreSQL knows
/// the rest.
fn is_word(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && (!c.is_ascii() || c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(query: &str) -> String {
        SearchWords::parse(Some(query)).unwrap().plain
    }

    fn is_last_open(query: &str) -> bool {
        SearchWords::parse(Some(query)).unwrap().is_last_open
    }

    #[test]
    fn words_are_taken_apart() {
        assert_eq!(plain("survey_bot"), "survey bot");
        assert_eq!(plain("a&b|!c:*'<->"), "a b  c      ".to_owned());
        assert_eq!(
            plain("wetter-dienst -draft -\"old one\" - x"),
            "wetter dienst -draft -\"old one\"   x"
        );
        assert_eq!(plain("größe\0x\\"), "größe x ");
        for nothing in [None, Some(""), Some(" \t")] {
            assert_eq!(SearchWords::parse(nothing), None);
        }
        assert!(!SearchWords::parse(Some("-!\"")).unwrap().has_words());
    }

    #[test]
    fn the_last_word_may_be_a_beginning() {
        for open in [
            "wea",
            "api wea",
            "\"two words\" wea",
            "-old wea",
            "survey_b",
            "or",
            "x-y",
        ] {
            assert!(is_last_open(open), "{open}");
        }
        for whole in [
            "wea ",
            "-wea",
            "-wea_b",
            "\"two wor",
            "\"two words\"",
            "-\"a b",
            "!",
        ] {
            assert!(!is_last_open(whole), "{whole}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_query(query in "\\PC{0,600}") {
            if let Some(words) = SearchWords::parse(Some(&query)) {
                prop_assert!(words.plain.chars().count() <= MAX_QUERY);
                let is_plain = |c: char| is_word(c) || [' ', '"', '-'].contains(&c);
                prop_assert!(words.plain.chars().all(is_plain));
                prop_assert_eq!(words.excludes, words.plain.contains('-'));
            }
        }
    }
}
