//! Which patterns mean the same in JSON Schema, whose regular expressions are those
//! of ECMAScript. Only what is plain in both is taken to be.

/// Characters that may follow a backslash.
const ESCAPED: &str = r"dDwWsSbBnrt^$\.*+?()[]{}|/";

pub fn is_portable(pattern: &str) -> bool {
    let mut characters = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(character) = characters.next() {
        let next = characters.peek().copied();
        match character {
            '\\' if in_class && next == Some('-') => _ = characters.next(),
            '\\' => match next {
                Some(escaped) if ESCAPED.contains(escaped) => _ = characters.next(),
                _ => return false,
            },
            // Classes in classes, and operations on them.
            '[' if in_class => return false,
            '&' | '~' | '-' if in_class && next == Some(character) => return false,
            '[' => {
                in_class = true;
                characters.next_if_eq(&'^');
                if characters.peek() == Some(&']') {
                    return false;
                }
            }
            ']' => in_class = false,
            // Flags and names; groups without either are the same.
            '(' if !in_class && next == Some('?') => {
                characters.next();
                if characters.next() != Some(':') {
                    return false;
                }
            }
            _ => (),
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::is_portable;

    #[test]
    fn what_both_know() {
        for pattern in [
            "",
            "^[a-z]{2,5}$",
            r"^\d+(\.\d+)?$",
            "(?:a|b)*",
            r"[^@\s]+@x",
            r"[\w\-]",
            "é",
        ] {
            assert!(is_portable(pattern), "{pattern}");
        }
    }

    #[test]
    fn what_one_of_them_reads_in_another_way() {
        for pattern in [
            "(?i)a",
            "(?P<n>a)",
            r"\Aa\z",
            r"\p{L}",
            "[[:alpha:]]",
            "[a-z&&[^b]]",
            "[]a]",
            "[^]a]",
            r"\x41",
            r"a\",
        ] {
            assert!(!is_portable(pattern), "{pattern}");
        }
    }
}
