//! Thousands of random sequences of calls, by SQL alone, against plain models in
//! memory: every answer and every SQLSTATE must be the same.
//!
//! The models know the documented behaviour and call nothing of the code that they
//! are for. The sequences are the same in each run; one that fails is shrunk.

mod alteration;
mod answer;
mod configured;
mod configured_model;

mod field;
mod model;
mod operations;
mod picks;
mod records;
mod records_search;
mod records_tool;
mod search;
mod values;

#[pgrx::pg_schema]
mod tests {
    use std::fmt::Debug;

    use pgrx::prelude::*;
    use proptest::prelude::*;
    use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

    use super::answer::{prepare, undone};
    use super::{configured, operations, records};

    /// Runs sequences that are the same every time.
    fn run<S>(cases: u32, sequences: S, check: fn(&S::Value) -> Result<(), String>)
    where
        S: Strategy,
        S::Value: Debug,
    {
        prepare();
        let config = Config {
            cases,
            failure_persistence: None,
            max_shrink_iters: 1000,
            ..Config::default()
        };
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
        TestRunner::new_with_rng(config, rng)
            .run(&sequences, |sequence| {
                undone(|| check(&sequence)).map_err(TestCaseError::fail)
            })
            .unwrap_or_else(|failure| panic!("{failure}"));
    }

    #[pg_test]
    fn model_of_a_registered_tool() {
        run(1600, operations::sequence(), records::check);
    }

    #[pg_test]
    fn model_of_a_tool_with_a_unique_field() {
        run(500, operations::keyed_sequence(), records::check);
    }

    #[pg_test]
    fn model_of_configured_tools() {
        run(1200, configured::sequence(), configured::check);
    }
}
