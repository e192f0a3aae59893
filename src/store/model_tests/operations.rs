//! Random operations on a registered tool. Fields, records and values are picked by
//! number: what the number means is seen when it is the operation's turn.

use proptest::collection::vec;
use proptest::prelude::*;

use super::picks::{ChangePick, FieldPick, FilterPick, PayloadPick};

#[derive(Debug, Clone)]
pub enum Operation {
    Register(Definition),
    Store {
        token: u8,
        payload: PayloadPick,
        key: u8,
    },
    StoreMany {
        token: u8,
        payloads: Vec<PayloadPick>,
    },
    Update {
        token: u8,
        id: u8,
        changes: PayloadPick,
        version: u8,
    },
    Delete {
        token: u8,
        id: u8,
        version: u8,
    },
    Upsert {
        token: u8,
        payload: PayloadPick,
        on: u8,
    },
    Get {
        token: u8,
        id: u8,
    },
    Validate {
        token: u8,
        payload: PayloadPick,
    },
    List {
        token: u8,
        limit: i8,
        offset: i8,
        after: Option<u8>,
    },
    /// All pages of a search, one cursor after the other.
    Find {
        token: u8,
        filter: FilterPick,
        order: u8,
        size: u8,
    },
    /// From the cursor of an earlier search on, whatever was changed since.
    GoOn {
        token: u8,
    },
    Count {
        token: u8,
        filter: FilterPick,
    },
    Alter(Vec<ChangePick>),
    DeleteTool {
        archive: bool,
    },
    Restore,
    /// By hand, so that times differ.
    Backdate,
}

#[derive(Debug, Clone)]
pub struct Definition {
    /// None keeps whole payloads.
    pub fields: Option<Vec<FieldPick>>,
    pub strict: bool,
    pub versioned: bool,
    pub notify: bool,
    pub sensitive: bool,
    pub max_records: Option<i64>,
}

/// A tool, and what is done to it.
pub fn sequence() -> impl Strategy<Value = (Definition, Vec<Operation>)> {
    (definition(), vec(operation(), 1..20))
}

/// A tool with a unique field and one with a default, for what goes by them.
pub fn keyed_sequence() -> impl Strategy<Value = (Definition, Vec<Operation>)> {
    let definition =
        (definition(), any::<u8>(), field()).prop_map(|(definition, default, more)| {
            let int = |name, rules| FieldPick {
                name,
                kind: 0,
                rules,
            };
            let (unique, default) = (int(0, vec![(3, 0)]), int(1, vec![(5, default)]));
            Definition {
                fields: Some(vec![unique, default, FieldPick { name: 2, ..more }]),
                max_records: None,
                ..definition
            }
        });
    let upsert = (any::<u8>(), payload(), any::<u8>())
        .prop_map(|(token, payload, on)| Operation::Upsert { token, payload, on });
    let operation = prop_oneof![2 => upsert, 1 => operation()];
    (definition, vec(operation, 1..20))
}

fn definition() -> impl Strategy<Value = Definition> {
    let often = |one_in: u32| prop::bool::weighted(1.0 / f64::from(one_in));
    (
        prop::option::weighted(0.9, vec(field(), 1..4)),
        often(4),
        often(2),
        often(6),
        often(6),
        prop::option::weighted(0.15, 2..6i64),
    )
        .prop_map(
            |(fields, strict, versioned, notify, sensitive, max_records)| Definition {
                fields,
                strict,
                versioned,
                notify,
                sensitive,
                max_records,
            },
        )
}

fn field() -> impl Strategy<Value = FieldPick> {
    let rules = vec((any::<u8>(), any::<u8>()), 0..3);
    (any::<u8>(), any::<u8>(), rules).prop_map(|(name, kind, rules)| FieldPick {
        name,
        kind,
        rules,
    })
}

fn payload() -> impl Strategy<Value = PayloadPick> {
    let value = prop::option::weighted(0.8, any::<u8>());
    let unknown = prop::bool::weighted(0.05);
    (vec(value, 4), unknown).prop_map(|(values, unknown)| PayloadPick { values, unknown })
}

fn changes() -> impl Strategy<Value = PayloadPick> {
    let value = prop::option::weighted(0.4, any::<u8>());
    let unknown = prop::bool::weighted(0.05);
    (vec(value, 4), unknown).prop_map(|(values, unknown)| PayloadPick { values, unknown })
}

fn filter() -> impl Strategy<Value = FilterPick> {
    let condition = (any::<u8>(), any::<u8>(), any::<u8>());
    vec(condition, 0..3).prop_map(|conditions| FilterPick { conditions })
}

fn alteration() -> impl Strategy<Value = Vec<ChangePick>> {
    let rules = vec((any::<u8>(), any::<u8>()), 0..3);
    let change = (0..7u8, any::<u8>(), any::<u8>(), any::<u8>(), rules).prop_map(
        |(operation, field, other, kind, rules)| ChangePick {
            operation,
            field,
            other,
            kind,
            rules,
        },
    );
    prop_oneof![3 => vec(change.clone(), 1), 1 => vec(change, 2..5)]
}

fn operation() -> impl Strategy<Value = Operation> {
    let one = any::<u8>;
    prop_oneof![
        14 => (one(), payload(), one())
            .prop_map(|(token, payload, key)| Operation::Store { token, payload, key }),
        6 => (one(), vec(payload(), 1..4))
            .prop_map(|(token, payloads)| Operation::StoreMany { token, payloads }),
        8 => (one(), one(), changes(), one()).prop_map(|(token, id, changes, version)| {
            Operation::Update { token, id, changes, version }
        }),
        3 => (one(), one(), one())
            .prop_map(|(token, id, version)| Operation::Delete { token, id, version }),
        4 => (one(), payload(), one())
            .prop_map(|(token, payload, on)| Operation::Upsert { token, payload, on }),
        2 => (one(), one()).prop_map(|(token, id)| Operation::Get { token, id }),
        2 => (one(), payload()).prop_map(|(token, payload)| Operation::Validate { token, payload }),
        3 => (one(), -1..8i8, -1..8i8, prop::option::of(one())).prop_map(
            |(token, limit, offset, after)| Operation::List { token, limit, offset, after }
        ),
        5 => (one(), filter(), one(), 1..5u8)
            .prop_map(|(token, filter, order, size)| Operation::Find { token, filter, order, size }),
        1 => one().prop_map(|token| Operation::GoOn { token }),
        2 => (one(), filter()).prop_map(|(token, filter)| Operation::Count { token, filter }),
        8 => alteration().prop_map(Operation::Alter),
        1 => any::<bool>().prop_map(|archive| Operation::DeleteTool { archive }),
        1 => Just(Operation::Restore),
        1 => definition().prop_map(Operation::Register),
        2 => Just(Operation::Backdate),
    ]
}
