//! One page of a listing: how many rows, after how many skipped.

use super::error::Error;

/// Rows in a page when the caller does not say.
pub const DEFAULT_LIMIT: i64 = 10;
/// Most rows in a page over HTTP (spec 001, section 4.3).
pub const MAX_HTTP_LIMIT: i64 = 100;

/// A page that has been checked and capped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    pub limit: i64,
    pub offset: i64,
    /// Only records with a greater id: paging that costs the same at any depth.
    pub after_id: i64,
}

impl Page {
    /// Caps `limit` at `max`; asking for more gives that many. Missing values
    /// take the defaults, negative ones are refused.
    pub fn new(
        limit: Option<i64>,
        offset: Option<i64>,
        after_id: Option<i64>,
        max: i64,
    ) -> Result<Self, Error> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        let offset = offset.unwrap_or(0);
        if limit < 0 {
            return Err(Error::Negative { what: "row_limit" });
        }
        if offset < 0 {
            return Err(Error::Negative { what: "row_offset" });
        }
        Ok(Page {
            limit: limit.min(max),
            offset,
            after_id: after_id.unwrap_or(i64::MIN),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_and_caps() {
        let page = |limit, offset| Page::new(limit, offset, None, 100).unwrap();
        assert_eq!((page(None, None).limit, page(None, None).offset), (10, 0));
        assert_eq!(page(Some(0), Some(5)).limit, 0);
        assert_eq!(page(Some(101), None).limit, 100);
        assert!(Page::new(Some(-1), None, None, 100).is_err());
        assert!(Page::new(None, Some(-1), None, 100).is_err());
    }
}
