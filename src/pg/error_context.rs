//! What pgrx does not carry along with an error, noted and put back through
//! PostgreSQL's error context callbacks: they run while an error is being
//! raised, before anybody catches it.

use std::cell::{Cell, RefCell};
use std::ffi::{c_char, c_int, c_void, CStr, CString};

use pgrx::{pg_guard, pg_sys, PgLogLevel};

/// Where an error comes from: its SQLSTATE, packed, and the names of schema,
/// table, column, type and constraint.
#[derive(Clone, Default)]
pub struct Origin {
    sqlstate: i32,
    names: [Option<CString>; 5],
}

/// The diagnostic fields of the names, as PostgreSQL's protocol letters.
const NAME_FIELDS: [u8; 5] = *b"stcdn";

impl Origin {
    pub fn of_sqlstate(sqlstate: i32) -> Self {
        Origin {
            sqlstate,
            ..Origin::default()
        }
    }

    /// The name of the constraint, if there is one.
    pub fn constraint(&self) -> Option<String> {
        let name = self.names[4].as_ref()?;
        Some(name.to_string_lossy().into_owned())
    }

    /// The SQLSTATE that was noted, or this one if none was.
    pub fn sqlstate_or(&self, otherwise: i32) -> i32 {
        match self.sqlstate {
            0 => otherwise,
            noted => noted,
        }
    }
}

/// Notes the origin of errors that are raised during [`Capture::during`].
pub struct Capture {
    origin: RefCell<Origin>,
}

impl Capture {
    pub fn new() -> Self {
        Capture {
            origin: RefCell::new(Origin::default()),
        }
    }

    /// The origin of the last error.
    pub fn origin(&self) -> Origin {
        self.origin.borrow().clone()
    }

    pub fn during<T>(&self, body: impl FnOnce() -> T) -> T {
        struct Pushed(*mut pg_sys::ErrorContextCallback);
        impl Drop for Pushed {
            fn drop(&mut self) {
                // SAFETY: what was pushed below is taken off, also when unwinding.
                unsafe { pg_sys::error_context_stack = self.0 }
            }
        }
        // SAFETY: the entry lives on this stack frame until it is taken off; its
        // argument is this capture, which outlives the frame.
        unsafe {
            let mut entry = pg_sys::ErrorContextCallback {
                previous: pg_sys::error_context_stack,
                callback: Some(note),
                arg: (&raw const *self).cast_mut().cast(),
            };
            let _pushed = Pushed(entry.previous);
            pg_sys::error_context_stack = &mut entry;
            body()
        }
    }
}

/// Called for every report, also for notices; an error is the last of them.
#[pg_guard]
unsafe extern "C-unwind" fn note(capture: *mut c_void) {
    // SAFETY: the argument is the capture that pushed this callback. The copy of
    // the report lives in a context of its own and goes with it.
    unsafe {
        let capture = &*capture.cast::<Capture>();
        let memory = pg_sys::AllocSetContextCreateExtended(
            pg_sys::TopMemoryContext,
            c"projectalpha_store error".as_ptr(),
            pg_sys::ALLOCSET_SMALL_MINSIZE as usize,
            pg_sys::ALLOCSET_SMALL_INITSIZE as usize,
            pg_sys::ALLOCSET_SMALL_MAXSIZE as usize,
        );
        let caller = pg_sys::MemoryContextSwitchTo(memory);
        let report = pg_sys::CopyErrorData();
        if (*report).elevel >= PgLogLevel::ERROR as c_int {
            let name =
                |text: *mut c_char| (!text.is_null()).then(|| CStr::from_ptr(text).to_owned());
            *capture.origin.borrow_mut() = Origin {
                sqlstate: (*report).sqlerrcode,
                names: [
                    name((*report).schema_name),
                    name((*report).table_name),
                    name((*report).column_name),
                    name((*report).datatype_name),
                    name((*report).constraint_name),
                ],
            };
        }
        pg_sys::MemoryContextSwitchTo(caller);
        pg_sys::MemoryContextDelete(memory);
    }
}

thread_local! {
    static FINISHING: RefCell<Origin> = RefCell::default();
    /// Outlives the frames that an error unwinds: pgrx hands the report over to
    /// PostgreSQL only at the edge of our function.
    static FINISHER: Cell<pg_sys::ErrorContextCallback> = const {
        Cell::new(pg_sys::ErrorContextCallback {
            previous: std::ptr::null_mut(),
            callback: None,
            arg: std::ptr::null_mut(),
        })
    };
}

/// Makes `report`, and has it completed when PostgreSQL receives it: with its
/// origin, and with statement and context hidden from the log.
///
/// An error does not return from `report`. Whoever catches it, PostgreSQL or
/// pgrx, resets the stack of callbacks to what it was, and so takes ours off: it
/// is never there twice, which would make the stack a ring.
pub fn finish(origin: Origin, report: impl FnOnce()) {
    FINISHING.set(origin);
    // SAFETY: the entry is never freed; it is on the stack until the report has
    // been received.
    unsafe {
        let previous = pg_sys::error_context_stack;
        FINISHER.set(pg_sys::ErrorContextCallback {
            previous,
            callback: Some(complete),
            arg: std::ptr::null_mut(),
        });
        pg_sys::error_context_stack = FINISHER.with(Cell::as_ptr);
        report();
        pg_sys::error_context_stack = previous;
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn complete(_argument: *mut c_void) {
    let origin = FINISHING.take();
    // SAFETY: a report is being made: these set parts of it, and copy the names.
    unsafe {
        if origin.sqlstate != 0 {
            super::raw::errcode(origin.sqlstate);
        }
        for (field, name) in NAME_FIELDS.iter().zip(&origin.names) {
            if let Some(name) = name {
                pg_sys::err_generic_string((*field).into(), name.as_ptr());
            }
        }
        pg_sys::errhidestmt(true);
        pg_sys::errhidecontext(true);
    }
}
