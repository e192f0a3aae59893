//! In which order records are listed.

use super::error::Error;
use super::name::excerpt;
use super::schema::FieldType;

/// The column that orders records when the caller does not say, and that breaks ties.
pub const ID: &str = "id";

/// By a column, ascending with NULLs last or descending with NULLs first, then by
/// id in the same direction: as a B-tree on both is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub column: String,
    pub field_type: FieldType,
    pub descending: bool,
}

impl Order {
    /// Reads `field` or `-field`; nothing means by id.
    pub fn parse(text: Option<&str>, columns: &[(&str, FieldType)]) -> Result<Self, Error> {
        let (name, descending) = split(text);
        let (_, field_type) = columns
            .iter()
            .find(|(column, _)| *column == name)
            .ok_or_else(|| Error::FieldUnknown {
                field: excerpt(name),
            })?;
        if *field_type == FieldType::Json {
            return Err(Error::OrderUnfit {
                field: name.to_owned(),
            });
        }
        Ok(Order {
            column: name.to_owned(),
            field_type: *field_type,
            descending,
        })
    }

    pub fn is_by_id(&self) -> bool {
        self.column == ID
    }

    /// The order as it is written.
    pub fn text(&self) -> String {
        let sign = if self.descending { "-" } else { "" };
        format!("{sign}{}", self.column)
    }
}

/// The name of the column, and whether the order is descending.
pub fn split(text: Option<&str>) -> (&str, bool) {
    let text = text.unwrap_or(ID);
    match text.strip_prefix('-') {
        Some(name) => (name, true),
        None => (text, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_column_in_one_direction() {
        let columns = [
            ("id", FieldType::Int),
            ("rating", FieldType::Float),
            ("extra", FieldType::Json),
        ];
        let order = |text| Order::parse(text, &columns);
        assert!(order(None).unwrap().is_by_id());
        for text in ["id", "-id", "rating", "-rating"] {
            let parsed = order(Some(text)).unwrap();
            assert_eq!(parsed.text(), text);
            assert_eq!(parsed.descending, text.starts_with('-'));
        }
        assert!(matches!(
            order(Some("extra")),
            Err(Error::OrderUnfit { .. })
        ));
        for unknown in [
            "",
            "-",
            "--rating",
            "rating ",
            "rating,id",
            "ctid",
            "rating desc",
        ] {
            let error = order(Some(unknown)).unwrap_err();
            assert!(matches!(error, Error::FieldUnknown { .. }), "{unknown}");
        }
    }
}
