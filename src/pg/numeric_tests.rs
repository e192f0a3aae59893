//! Reading numbers in place, against PostgreSQL's own arithmetic.

#[pgrx::pg_schema]
mod tests {
    use std::ffi::CString;

    use pgrx::prelude::*;
    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;

    use crate::pg::jsonb::{JsonValue, Jsonb};

    /// What a number of that spelling is read as.
    fn read(text: &str) -> (bool, Option<i64>, Option<f64>) {
        let document = CString::new(format!(r#"{{"n": {text}}}"#)).unwrap();
        let object = Jsonb::parse(&document).as_object().unwrap();
        match object.get("n") {
            Some(JsonValue::Number(n)) => (n.is_integer(), n.to_i64(), n.to_f64()),
            _ => panic!("{text} is no number"),
        }
    }

    #[pg_test]
    fn integers_at_the_edges() {
        for n in [
            0,
            1,
            -1,
            9_999,
            10_000,
            -10_000,
            100_000_000,
            i64::MAX,
            i64::MIN,
        ] {
            assert_eq!(read(&n.to_string()).1, Some(n), "{n}");
        }
        for text in [
            "9223372036854775808",
            "-9223372036854775809",
            "1e30",
            "1e2000",
        ] {
            assert_eq!(read(text).1, None, "{text}");
        }
    }

    #[pg_test]
    fn a_fraction_makes_a_float() {
        for text in ["42.0", "0.0", "-1.5", "1e-3", "12345678901234567890.5"] {
            assert!(!read(text).0, "{text}");
            assert_eq!(read(text).1, None, "{text}");
        }
        assert!(read("42").0);
        assert_eq!(read("1e400").2, None);
        assert_eq!(read("0.1").2, Some(0.1));
    }

    #[pg_test]
    fn every_bigint_is_read_as_itself() {
        let mut runner = TestRunner::default();
        runner
            .run(&any::<i64>(), |n| {
                prop_assert_eq!(read(&n.to_string()), (true, Some(n), Some(n as f64)));
                Ok(())
            })
            .unwrap();
    }

    #[pg_test]
    fn integers_of_any_length_are_told_apart() {
        let mut runner = TestRunner::default();
        runner
            .run(&"-?[1-9][0-9]{0,40}", |text| {
                prop_assert_eq!(read(&text).1, text.parse::<i64>().ok());
                Ok(())
            })
            .unwrap();
    }
}
