//! JSON kinds under the names that the contract uses: those of Python's
//! `json` module (spec 001, section 4.2).

/// The kind of a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonKind {
    Null,
    Bool,
    /// A number written without a fraction.
    Int,
    /// A number written with a fraction; `42.0` is one.
    Float,
    Str,
    List,
    Dict,
}

impl JsonKind {
    /// The name of the Python class that the kind decodes to.
    pub const fn python_name(self) -> &'static str {
        match self {
            JsonKind::Null => "NoneType",
            JsonKind::Bool => "bool",
            JsonKind::Int => "int",
            JsonKind::Float => "float",
            JsonKind::Str => "str",
            JsonKind::List => "list",
            JsonKind::Dict => "dict",
        }
    }
}
