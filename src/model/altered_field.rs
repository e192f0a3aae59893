//! A field before and after the changes of one call, and what the difference asks
//! of the table.

use super::schema::{Field, FieldType};

/// A field after all changes.
#[derive(Debug, Clone, PartialEq)]
pub struct AlteredField {
    pub field: Field,
    /// As it was before them; none if it was added.
    pub before: Option<Field>,
    /// As it was added.
    pub(super) added: Option<Field>,
    /// True if it was an int and has become a float, and perhaps json after that.
    pub became_float: bool,
}

impl AlteredField {
    /// True if values that were there before may break a rule now.
    pub fn must_be_checked(&self) -> bool {
        match (&self.before, &self.added) {
            (Some(before), _) => !same_checks(before, &self.field),
            (None, Some(added)) => {
                let rules = &self.field.rules;
                let null = rules.required && added.rules.default.is_none();
                let repeated = rules.unique && added.rules.default.is_some();
                null || repeated || added != &self.field
            }
            (None, None) => false,
        }
    }

    /// True if NULL alone can break a rule that is new.
    pub fn only_null_matters(&self) -> bool {
        self.before.as_ref().is_some_and(|before| {
            let mut asked = before.clone();
            asked.rules.required = self.field.rules.required;
            same_checks(&asked, &self.field)
        })
    }

    /// True if what the field asks of records has changed at all.
    pub fn rules_change(&self) -> bool {
        let before = self.before.as_ref();
        before.is_none_or(|before| before.rules != self.field.rules)
    }

    /// True if the column must have another index than it has.
    pub fn index_changes(&self) -> bool {
        self.before.as_ref().and_then(index_of) != index_of(&self.field)
    }

    /// True if the column has an index of ours.
    pub fn had_index(&self) -> bool {
        self.before.as_ref().and_then(index_of).is_some()
    }

    /// True if the field must be unique and was not.
    pub fn becomes_unique(&self) -> bool {
        self.field.rules.unique && !self.before.as_ref().is_some_and(|b| b.rules.unique)
    }

    /// What NOT NULL of the column becomes, if it changes.
    pub fn not_null_becomes(&self) -> Option<bool> {
        let before = self.before.as_ref().is_some_and(|b| b.rules.required);
        let now = self.field.rules.required;
        (before != now).then_some(now)
    }
}

/// The index that a field has: whether it is unique, and whether it is one of json.
fn index_of(field: &Field) -> Option<(bool, bool)> {
    let rules = &field.rules;
    (rules.unique || rules.index).then_some((rules.unique, field.field_type == FieldType::Json))
}

/// True if the values of the one are checked for all that those of the other, of
/// a wider type perhaps, are checked for.
fn same_checks(narrow: &Field, wide: &Field) -> bool {
    let mut described = narrow.to_json();
    let asked = wide.to_json();
    described["type"] = asked["type"].clone();
    if let Some(rules) = described.as_object_mut() {
        rules.retain(|rule, _| asked.get(rule).is_some());
    }
    let checks = |field: &Field| {
        let mut rules = field.rules.clone();
        (rules.default, rules.index, rules.unique) = (None, false, false);
        rules
    };
    Field::from_value(&described).is_ok_and(|narrow| checks(&narrow) == checks(wide))
}
