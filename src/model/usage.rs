//! What a call of a language model has cost.

use super::resource_error::ResourceError;

/// Decimals that are kept: many more than a price per token has, and few enough
/// that what binary fractions leave behind (0.30000000000000004) is not on the bill.
const DECIMALS: usize = 12;
/// Digits before the point, as numeric(10,6) has them (spec 003).
const WHOLE_DIGITS: usize = 4;

/// Checks a cost as PostgreSQL prints a numeric, which is never in exponents.
pub fn check_cost(printed: &str) -> Result<(), ResourceError> {
    let (whole, decimals) = printed.split_once('.').unwrap_or((printed, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    // NaN, Infinity and a minus are none.
    if whole.is_empty() || !digits(whole) || !digits(decimals) || whole.len() > WHOLE_DIGITS {
        return Err(ResourceError::CostInvalid);
    }
    // What would be rounded up to 10000.
    let kept = &decimals[..decimals.len().min(DECIMALS)];
    let rounds_up = decimals
        .as_bytes()
        .get(DECIMALS)
        .is_some_and(|b| *b >= b'5');
    let all_nines = kept.len() == DECIMALS && kept.bytes().all(|b| b == b'9');
    if whole == "9999" && all_nines && rounds_up {
        return Err(ResourceError::CostInvalid);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn costs() {
        for fine in [
            "0",
            "0.000001",
            "9999",
            "9999.999999",
            "9999.9999999999994",
            "0.30000000000000004",
        ] {
            assert_eq!(check_cost(fine), Ok(()), "{fine}");
        }
        for wrong in [
            "-0.1",
            "-1",
            "NaN",
            "Infinity",
            "-Infinity",
            "10000",
            "9999.9999999999995",
            "100000000000000000000",
            "",
        ] {
            assert_eq!(
                check_cost(wrong),
                Err(ResourceError::CostInvalid),
                "{wrong}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_cost_of_spec_003_is_taken(whole in 0..=9999u32, decimals in 0..=999_999u32) {
            let cost = format!("{whole}.{decimals:06}");
            prop_assert!(check_cost(&cost).is_ok());
            let negative = format!("-{cost}");
            prop_assert!(check_cost(&negative).is_err());
        }
    }
}
