//! JSONB values read in place: no text, no tree of Rust values.

use std::ffi::CString;
use std::marker::PhantomData;

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::nullable::Nullable;
use pgrx::pg_sys;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::FromDatum;

use super::numeric::Number;
use crate::model::json_kind::JsonKind;

/// A jsonb argument of a function, or a document made from text.
#[derive(Clone, Copy)]
pub struct Jsonb<'a> {
    /// Detoasted, with a four-byte header.
    value: *mut pg_sys::Jsonb,
    lifetime: PhantomData<&'a ()>,
}

/// A value inside a document.
#[derive(Clone, Copy)]
pub enum JsonValue<'a> {
    Null,
    Bool(bool),
    Number(Number<'a>),
    Str(&'a str),
    List(Nested<'a>),
    Dict(Nested<'a>),
}

/// A value as PostgreSQL handed it out, for copying it whole.
#[derive(Clone, Copy)]
pub struct Nested<'a> {
    value: pg_sys::JsonbValue,
    lifetime: PhantomData<&'a ()>,
}

/// A JSON object, as a document of its own or inside one.
#[derive(Clone, Copy)]
pub struct Object<'a> {
    container: *mut pg_sys::JsonbContainer,
    whole: Whole,
    lifetime: PhantomData<&'a ()>,
}

/// What an object is copied from when it is stored whole.
#[derive(Clone, Copy)]
enum Whole {
    Document(pg_sys::Datum),
    Nested(pg_sys::JsonbValue),
}

impl<'a> Object<'a> {
    /// The value of `key`, if the object has it.
    pub fn get(self, key: &str) -> Option<JsonValue<'a>> {
        let mut value = pg_sys::JsonbValue::default();
        // SAFETY: the container is an object, the key has the length given, and
        // the strings and containers of the answer point into the document.
        unsafe {
            let found = pg_sys::getKeyJsonValueFromContainer(
                self.container,
                key.as_ptr().cast(),
                key.len() as i32,
                &mut value,
            );
            (!found.is_null()).then(|| JsonValue::from_raw(value))
        }
    }

    /// Its keys and values, in the order in which PostgreSQL keeps them.
    pub fn entries(self) -> Entries<'a> {
        // SAFETY: the container is an object that outlives the iterator; the first
        // token only says that an object begins.
        let mut iterator = unsafe { pg_sys::JsonbIteratorInit(self.container) };
        let mut start = pg_sys::JsonbValue::default();
        unsafe { pg_sys::JsonbIteratorNext(&mut iterator, &mut start, true) };
        Entries {
            iterator,
            lifetime: PhantomData,
        }
    }

    pub(super) fn container(self) -> *mut pg_sys::JsonbContainer {
        self.container
    }

    /// The object as a jsonb: the document itself, or a copy of a nested one in
    /// the current memory context.
    pub(super) fn to_jsonb(self) -> pg_sys::Datum {
        match self.whole {
            Whole::Document(datum) => datum,
            // SAFETY: a container of a document that outlives the object.
            Whole::Nested(mut value) => unsafe {
                pg_sys::Datum::from(pg_sys::JsonbValueToJsonb(&mut value))
            },
        }
    }
}

impl JsonValue<'_> {
    pub fn kind(&self) -> JsonKind {
        match self {
            JsonValue::Null => JsonKind::Null,
            JsonValue::Bool(_) => JsonKind::Bool,
            JsonValue::Number(number) if number.is_integer() => JsonKind::Int,
            JsonValue::Number(_) => JsonKind::Float,
            JsonValue::Str(_) => JsonKind::Str,
            JsonValue::List(_) => JsonKind::List,
            JsonValue::Dict(_) => JsonKind::Dict,
        }
    }
}

impl<'a> Jsonb<'a> {
    /// Parses text as PostgreSQL does; raises its error if it is no JSON. The
    /// document lives in the current memory context.
    pub fn parse(text: &CString) -> Jsonb<'static> {
        // SAFETY: jsonb_in takes a C string and gives a jsonb of its own.
        let datum = unsafe {
            pgrx::direct_function_call_as_datum(
                pg_sys::jsonb_in,
                &[Some(pg_sys::Datum::from(text.as_ptr()))],
            )
        };
        match datum {
            // SAFETY: a jsonb fresh from its input function is not toasted.
            Some(datum) => unsafe { Jsonb::from_raw(datum) },
            None => pgrx::error!("jsonb_in returned NULL"),
        }
    }

    /// # Safety
    /// `datum` is a detoasted jsonb that lives at least as long as `'a`.
    unsafe fn from_raw(datum: pg_sys::Datum) -> Self {
        Jsonb {
            value: datum.cast_mut_ptr(),
            lifetime: PhantomData,
        }
    }

    /// The document as an object, if it is one.
    pub fn as_object(self) -> Option<Object<'a>> {
        self.root(pg_sys::JB_FOBJECT).map(|container| Object {
            container,
            whole: Whole::Document(self.datum()),
            lifetime: PhantomData,
        })
    }

    /// The elements of the document, if it is an array. They are found one by
    /// one; each is a view into the document.
    pub fn as_array(self) -> Option<Elements<'a>> {
        // A document that is a scalar is kept as an array of one.
        // SAFETY: `value` points to a jsonb; its root's header is always there.
        let is_scalar = unsafe { (*self.value).root.header & pg_sys::JB_FSCALAR != 0 };
        let container = self.root(pg_sys::JB_FARRAY)?;
        if is_scalar {
            return None;
        }
        // SAFETY: the container is an array that outlives the iterator.
        let mut iterator = unsafe { pg_sys::JsonbIteratorInit(container) };
        let mut start = pg_sys::JsonbValue::default();
        // SAFETY: as above; the first token only says that an array begins.
        unsafe { pg_sys::JsonbIteratorNext(&mut iterator, &mut start, true) };
        Some(Elements {
            iterator,
            lifetime: PhantomData,
        })
    }

    fn root(self, kind: u32) -> Option<*mut pg_sys::JsonbContainer> {
        // SAFETY: `value` points to a jsonb; its root's header is always there.
        unsafe {
            let root = &raw mut (*self.value).root;
            ((*root).header & kind != 0).then_some(root)
        }
    }

    /// The document as PostgreSQL prints it.
    pub fn to_text(self) -> String {
        // SAFETY: a jsonb with its total size; the text is NUL-terminated.
        unsafe {
            let text = pg_sys::JsonbToCString(
                std::ptr::null_mut(),
                &mut (*self.value).root,
                pgrx::varsize_any(self.value.cast()) as i32,
            );
            let owned = std::ffi::CStr::from_ptr(text)
                .to_string_lossy()
                .into_owned();
            pg_sys::pfree(text.cast());
            owned
        }
    }

    pub(super) fn datum(self) -> pg_sys::Datum {
        pg_sys::Datum::from(self.value)
    }
}

/// Bytes of the first argument of a running call, which is a varlena, before it
/// was compressed or moved out of its row. Nothing of it is read.
pub fn size_of_argument(fcinfo: pg_sys::FunctionCallInfo) -> i64 {
    // SAFETY: the fcinfo of a running, strict call; the argument is a varlena.
    unsafe {
        pgrx::fcinfo::pg_getarg_datum(fcinfo, 0).map_or(0, |datum| {
            pg_sys::toast_raw_datum_size(datum) as i64 - pg_sys::VARHDRSZ as i64
        })
    }
}

/// The elements of an array, in order.
pub struct Elements<'a> {
    iterator: *mut pg_sys::JsonbIterator,
    lifetime: PhantomData<&'a ()>,
}

impl<'a> Iterator for Elements<'a> {
    type Item = JsonValue<'a>;

    fn next(&mut self) -> Option<JsonValue<'a>> {
        let mut value = pg_sys::JsonbValue::default();
        // SAFETY: the iterator is alive until it reports the end of the array;
        // nested values are not entered but handed out as containers.
        unsafe {
            match pg_sys::JsonbIteratorNext(&mut self.iterator, &mut value, true) {
                pg_sys::JsonbIteratorToken::WJB_ELEM => Some(JsonValue::from_raw(value)),
                _ => None,
            }
        }
    }
}

/// The keys and values of an object.
pub struct Entries<'a> {
    iterator: *mut pg_sys::JsonbIterator,
    lifetime: PhantomData<&'a ()>,
}

impl<'a> Iterator for Entries<'a> {
    type Item = (&'a str, JsonValue<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let mut key = pg_sys::JsonbValue::default();
        let mut value = pg_sys::JsonbValue::default();
        // SAFETY: the iterator is alive until it reports the end of the object; a
        // key is a string, and its value comes next.
        unsafe {
            if pg_sys::JsonbIteratorNext(&mut self.iterator, &mut key, true)
                != pg_sys::JsonbIteratorToken::WJB_KEY
            {
                return None;
            }
            pg_sys::JsonbIteratorNext(&mut self.iterator, &mut value, true);
            match JsonValue::from_raw(key) {
                JsonValue::Str(name) => Some((name, JsonValue::from_raw(value))),
                _ => None,
            }
        }
    }
}

impl<'a> JsonValue<'a> {
    /// The value as JSON text.
    pub fn to_text(self) -> String {
        self.to_document().to_text()
    }

    /// The value as a document of its own, in the current memory context.
    pub fn to_document(self) -> Jsonb<'static> {
        // SAFETY: a jsonb fresh from its maker is not toasted.
        unsafe { Jsonb::from_raw(self.to_jsonb()) }
    }

    /// The value as an object, if it is one.
    pub fn as_object(self) -> Option<Object<'a>> {
        match self {
            JsonValue::Dict(nested) => Some(Object {
                // SAFETY: a nested value is a container of the document.
                container: unsafe { nested.value.val.binary.data },
                whole: Whole::Nested(nested.value),
                lifetime: PhantomData,
            }),
            _ => None,
        }
    }

    /// # Safety
    /// `value` was filled by PostgreSQL from a document that outlives `'a`.
    pub(super) unsafe fn from_raw(value: pg_sys::JsonbValue) -> Self {
        use pg_sys::jbvType;
        // SAFETY: the tag says which member of the union is set. The text of a
        // document in a UTF-8 database is UTF-8 (checked when we are loaded).
        unsafe {
            match value.type_ {
                jbvType::jbvNull => JsonValue::Null,
                jbvType::jbvBool => JsonValue::Bool(value.val.boolean),
                jbvType::jbvNumeric => JsonValue::Number(Number::from_raw(value.val.numeric)),
                jbvType::jbvString => {
                    let string = value.val.string;
                    let bytes =
                        std::slice::from_raw_parts(string.val.cast::<u8>(), string.len as usize);
                    JsonValue::Str(std::str::from_utf8_unchecked(bytes))
                }
                _ => {
                    let nested = Nested {
                        value,
                        lifetime: PhantomData,
                    };
                    if (*value.val.binary.data).header & pg_sys::JB_FARRAY != 0 {
                        JsonValue::List(nested)
                    } else {
                        JsonValue::Dict(nested)
                    }
                }
            }
        }
    }

    /// A jsonb of its own, in the current memory context.
    pub(super) fn to_jsonb(self) -> pg_sys::Datum {
        let mut value = pg_sys::JsonbValue::default();
        match self {
            JsonValue::Null => value.type_ = pg_sys::jbvType::jbvNull,
            JsonValue::Bool(boolean) => {
                value.type_ = pg_sys::jbvType::jbvBool;
                value.val.boolean = boolean;
            }
            JsonValue::Number(number) => {
                value.type_ = pg_sys::jbvType::jbvNumeric;
                value.val.numeric = number.as_numeric();
            }
            JsonValue::Str(text) => {
                value.type_ = pg_sys::jbvType::jbvString;
                value.val.string.len = text.len() as i32;
                value.val.string.val = text.as_ptr().cast_mut().cast();
            }
            JsonValue::List(nested) | JsonValue::Dict(nested) => value = nested.value,
        }
        // SAFETY: a well-formed value whose parts live as long as the document;
        // the function only reads them.
        unsafe { pg_sys::Datum::from(pg_sys::JsonbValueToJsonb(&mut value)) }
    }
}

impl FromDatum for Jsonb<'_> {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        is_null: bool,
        _type_oid: pg_sys::Oid,
    ) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: the datum is a jsonb; detoasting gives it a four-byte header
        // and copies it into the memory context of the call where needed.
        unsafe {
            let detoasted = pg_sys::pg_detoast_datum(datum.cast_mut_ptr());
            Some(Jsonb::from_raw(pg_sys::Datum::from(detoasted)))
        }
    }
}

// SAFETY: the SQL type is jsonb, and `from_polymorphic_datum` unboxes one.
unsafe impl<'fcx> ArgAbi<'fcx> for Jsonb<'fcx> {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: the caller guarantees an argument of type jsonb, not null.
        match unsafe { arg.unbox_arg_using_from_datum() } {
            Some(value) => value,
            None => pgrx::error!("jsonb argument must not be null"),
        }
    }

    unsafe fn unbox_nullable_arg(arg: Arg<'_, 'fcx>) -> Nullable<Self> {
        // SAFETY: as above; NULL gives Nullable::Null.
        unsafe { arg.unbox_arg_using_from_datum().into() }
    }
}

// SAFETY: the value is a jsonb in the memory context of the call, or lives longer.
unsafe impl BoxRet for Jsonb<'_> {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: see above.
        unsafe { fcinfo.return_raw_datum(self.datum()) }
    }
}

// SAFETY: names the SQL type that ArgAbi unboxes.
unsafe impl SqlTranslatable for Jsonb<'_> {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Jsonb);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("jsonb"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("jsonb")));
}
