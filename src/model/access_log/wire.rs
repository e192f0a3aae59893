//! Records as bytes, for the way from a session to the worker that writes them.

use std::net::IpAddr;

use super::{Face, Record, Status};

/// Changes with the format: a worker of another version must not guess.
pub const VERSION: u8 = 1;

impl Record {
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        bytes.push(VERSION);
        bytes.push(match self.status {
            Status::Success => 0,
            Status::Denied => 1,
            Status::Error => 2,
        });
        bytes.push(match self.face {
            Face::Sql => 0,
            Face::Http => 1,
        });
        bytes.extend(self.logged_at.to_le_bytes());
        bytes.extend(self.milliseconds.to_bits().to_le_bytes());
        for id in [
            self.tool_id,
            self.project_id,
            self.agent_id,
            self.credential_id,
            self.policy_id,
        ] {
            put_optional(
                &mut bytes,
                id.map(i64::to_le_bytes).as_ref().map(|id| &id[..]),
            );
        }
        for text in [&self.tool_name, &self.action, &self.role_name] {
            put(&mut bytes, text.as_bytes());
        }
        let address = self.address.map(|address| address.to_string());
        for text in [&self.sqlstate, &address, &self.payload] {
            put_optional(&mut bytes, text.as_ref().map(|text| text.as_bytes()));
        }
        bytes.extend((self.scopes.len() as u32).to_le_bytes());
        for scope in &self.scopes {
            put(&mut bytes, scope.as_bytes());
        }
        bytes
    }

    /// None if these are not the bytes of a record.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = Reader(bytes);
        if rest.byte()? != VERSION {
            return None;
        }
        let status = match rest.byte()? {
            0 => Status::Success,
            1 => Status::Denied,
            2 => Status::Error,
            _ => return None,
        };
        let face = match rest.byte()? {
            0 => Face::Sql,
            1 => Face::Http,
            _ => return None,
        };
        let logged_at = i64::from_le_bytes(rest.array()?);
        let milliseconds = f64::from_bits(u64::from_le_bytes(rest.array()?));
        let mut ids = [None; 5];
        for id in &mut ids {
            *id = match rest.optional()? {
                Some(bytes) => Some(i64::from_le_bytes(bytes.try_into().ok()?)),
                None => None,
            };
        }
        let [tool_id, project_id, agent_id, credential_id, policy_id] = ids;
        let (tool_name, action, role_name) = (rest.text()?, rest.text()?, rest.text()?);
        let sqlstate = rest.optional_text()?;
        let address: Option<IpAddr> = match rest.optional_text()? {
            Some(address) => Some(address.parse().ok()?),
            None => None,
        };
        let payload = rest.optional_text()?;
        let scopes = (0..u32::from_le_bytes(rest.array()?))
            .map(|_| rest.text())
            .collect::<Option<_>>()?;
        rest.0.is_empty().then_some(Record {
            logged_at,
            tool_id,
            tool_name,
            project_id,
            agent_id,
            credential_id,
            policy_id,
            action,
            status,
            sqlstate,
            scopes,
            face,
            role_name,
            address,
            payload,
            milliseconds,
        })
    }
}

fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend((part.len() as u32).to_le_bytes());
    bytes.extend(part);
}

fn put_optional(bytes: &mut Vec<u8>, part: Option<&[u8]>) {
    bytes.push(u8::from(part.is_some()));
    if let Some(part) = part {
        put(bytes, part);
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|taken| taken[0])
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn part(&mut self) -> Option<&'a [u8]> {
        let length = u32::from_le_bytes(self.array()?);
        self.take(length as usize)
    }

    fn optional(&mut self) -> Option<Option<&'a [u8]>> {
        match self.byte()? {
            0 => Some(None),
            1 => self.part().map(Some),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.part()?.to_vec()).ok()
    }

    fn optional_text(&mut self) -> Option<Option<String>> {
        match self.optional()? {
            Some(bytes) => String::from_utf8(bytes.to_vec()).ok().map(Some),
            None => Some(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record() -> impl Strategy<Value = Record> {
        let id = || any::<Option<i64>>();
        (
            (any::<i64>(), id(), ".*", id(), id(), id(), id(), ".*"),
            (
                0_usize..3,
                any::<Option<[char; 2]>>(),
                proptest::collection::vec(".*", 0..4),
                any::<bool>(),
            ),
            (
                ".*",
                any::<Option<IpAddr>>(),
                any::<Option<String>>(),
                -1e12..1e12,
            ),
        )
            .prop_map(|(first, second, third)| Record {
                logged_at: first.0,
                tool_id: first.1,
                tool_name: first.2,
                project_id: first.3,
                agent_id: first.4,
                credential_id: first.5,
                policy_id: first.6,
                action: first.7,
                status: [Status::Success, Status::Denied, Status::Error][second.0],
                sqlstate: second.1.map(|state| state.iter().collect()),
                scopes: second.2,
                face: if second.3 { Face::Sql } else { Face::Http },
                role_name: third.0,
                address: third.1,
                payload: third.2,
                milliseconds: third.3,
            })
    }

    proptest! {
        #[test]
        fn what_is_sent_is_what_arrives(record in record()) {
            let bytes = record.to_bytes();
            prop_assert_eq!(Record::of_bytes(&bytes), Some(record));
            prop_assert_eq!(Record::of_bytes(&bytes[..bytes.len() - 1]), None);
        }

        #[test]
        fn any_bytes_are_a_record_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Record::of_bytes(&bytes);
        }
    }
}
