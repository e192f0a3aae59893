//! What a rate is counted for.

use std::net::{IpAddr, Ipv6Addr};

use super::rate::By;

/// Whose calls those are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Credential(i64),
    Agent(i64),
    /// In IPv6 with all its neighbours of the same /64: whoever has one address
    /// has all of these.
    Address(IpAddr),
    Everybody,
}

impl Subject {
    /// Who is counted by `by`, as far as it is known. Those of whom nothing is
    /// known are counted together.
    pub fn of(
        by: By,
        credential: Option<i64>,
        agent: Option<i64>,
        address: Option<IpAddr>,
    ) -> Subject {
        let from = || address.map_or(Subject::Everybody, Subject::Address);
        let holder = || credential.map_or_else(from, Subject::Credential);
        match by {
            By::Credential => holder(),
            By::Agent => agent.map_or_else(holder, Subject::Agent),
            By::Address => from(),
            By::Policy => Subject::Everybody,
        }
    }

    /// A number for the kind, and one within it.
    fn pack(self) -> (u32, u64) {
        match self {
            Subject::Credential(id) => (1, id.cast_unsigned()),
            Subject::Agent(id) => (2, id.cast_unsigned()),
            Subject::Address(address) => match address.to_canonical() {
                IpAddr::V4(address) => (3, u64::from(address.to_bits())),
                IpAddr::V6(address) => (4, network(address)),
            },
            Subject::Everybody => (5, 0),
        }
    }
}

fn network(address: Ipv6Addr) -> u64 {
    (address.to_bits() >> 64) as u64
}

/// One allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateKey {
    pub policy: i64,
    pub subject: Subject,
}

/// The same in a database, as it is kept. All zeros is no key.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PackedKey {
    policy: i64,
    subject: u64,
    database: u32,
    kind: u32,
}

impl RateKey {
    pub fn pack(&self, database: u32) -> PackedKey {
        let (kind, subject) = self.subject.pack();
        PackedKey {
            policy: self.policy,
            subject,
            database,
            kind,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn who_is_counted() {
        let from = Some(address("192.0.2.1"));
        let of = |by| Subject::of(by, Some(7), Some(3), from);
        assert_eq!(of(By::Credential), Subject::Credential(7));
        assert_eq!(of(By::Agent), Subject::Agent(3));
        assert_eq!(of(By::Address), Subject::Address(address("192.0.2.1")));
        assert_eq!(of(By::Policy), Subject::Everybody);
        let of = |by, from| Subject::of(by, None, None, from);
        for by in [By::Credential, By::Agent, By::Address] {
            assert_eq!(of(by, from), Subject::Address(address("192.0.2.1")));
            assert_eq!(of(by, None), Subject::Everybody);
        }
        assert_eq!(
            Subject::of(By::Agent, Some(7), None, from),
            Subject::Credential(7)
        );
    }

    #[test]
    fn no_two_are_the_same() {
        let subjects = [
            Subject::Credential(1),
            Subject::Agent(1),
            Subject::Address(address("0.0.0.1")),
            Subject::Address(address("0.0.0.2")),
            Subject::Address(address("2001:db8::1")),
            Subject::Address(address("2001:db8:0:1::1")),
            Subject::Everybody,
        ];
        let mut keys: Vec<PackedKey> = Vec::new();
        for subject in subjects {
            for policy in [1, 2] {
                for database in [1, 2] {
                    keys.push(RateKey { policy, subject }.pack(database));
                }
            }
        }
        for (index, key) in keys.iter().enumerate() {
            assert_ne!(*key, PackedKey::default());
            assert!(!keys[..index].contains(key), "{key:?}");
        }
    }

    #[test]
    fn addresses_that_are_the_same() {
        let pack = |text| Subject::Address(address(text)).pack();
        assert_eq!(pack("::ffff:192.0.2.1"), pack("192.0.2.1"));
        assert_eq!(pack("2001:db8::1"), pack("2001:db8::ffff:2"));
    }
}
