//! What a rate is counted for.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv6Addr};

use super::rate::By;

/// Who holds a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    pub credential: i64,
    pub agent: Option<i64>,
    pub project: Option<i64>,
}

/// Whose calls those are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Credential(i64),
    Agent(i64),
    /// Of the tool's own tokens, or of a project's: who has one can get another.
    Own(Option<i64>),
    /// In IPv6 with all its neighbours of the same /64: whoever has one address
    /// has all of these.
    Address(IpAddr),
    /// The same, as the holder of a token says: it spends nothing of what others have.
    Claimed(i64, IpAddr),
    Everybody,
}

impl Subject {
    /// Who is counted by `by`, as far as it is known. Those of whom nothing is
    /// known are counted together.
    pub fn of(by: By, holder: Option<Holder>, address: Option<IpAddr>) -> Subject {
        let from = || address.map_or(Subject::Everybody, Subject::Address);
        match (by, holder) {
            (By::Policy, _) => Subject::Everybody,
            (By::Address, _) | (_, None) => from(),
            (_, Some(holder)) => match (by, holder.agent) {
                (_, None) => Subject::Own(holder.project),
                (By::Credential, Some(_)) => Subject::Credential(holder.credential),
                (_, Some(agent)) => Subject::Agent(agent),
            },
        }
    }

    /// A number for the kind, and one within it.
    fn pack(self) -> (u32, u64) {
        match self {
            Subject::Credential(id) => (1, id.cast_unsigned()),
            Subject::Agent(id) => (2, id.cast_unsigned()),
            Subject::Address(address) => packed_address(address),
            Subject::Everybody => (5, 0),
            Subject::Own(project) => (6, project.unwrap_or_default().cast_unsigned()),
            Subject::Claimed(credential, address) => {
                let mut hasher = DefaultHasher::new();
                (credential, packed_address(address)).hash(&mut hasher);
                (7, hasher.finish())
            }
        }
    }
}

fn packed_address(address: IpAddr) -> (u32, u64) {
    match address.to_canonical() {
        IpAddr::V4(address) => (3, u64::from(address.to_bits())),
        IpAddr::V6(address) => (4, network(address)),
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
        let holder = |agent, project| Holder {
            credential: 7,
            agent,
            project,
        };
        let of = |by| Subject::of(by, Some(holder(Some(3), None)), from);
        assert_eq!(of(By::Credential), Subject::Credential(7));
        assert_eq!(of(By::Agent), Subject::Agent(3));
        assert_eq!(of(By::Address), Subject::Address(address("192.0.2.1")));
        assert_eq!(of(By::Policy), Subject::Everybody);
        // Another token of the same is none that has another allowance.
        for by in [By::Credential, By::Agent] {
            for project in [None, Some(4)] {
                let own = Subject::of(by, Some(holder(None, project)), from);
                assert_eq!(own, Subject::Own(project));
            }
        }
        for by in [By::Credential, By::Agent, By::Address] {
            let of = |from| Subject::of(by, None, from);
            assert_eq!(of(from), Subject::Address(address("192.0.2.1")));
            assert_eq!(of(None), Subject::Everybody);
        }
    }

    #[test]
    fn no_two_are_the_same() {
        let subjects = [
            Subject::Credential(1),
            Subject::Agent(1),
            Subject::Own(None),
            Subject::Own(Some(1)),
            Subject::Claimed(1, address("0.0.0.1")),
            Subject::Claimed(2, address("0.0.0.1")),
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
