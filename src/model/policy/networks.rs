//! Addresses and networks. An IPv4 address that is written as an IPv6 address is the
//! IPv4 address.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};
use serde_json::Value;

use crate::model::policy_error::PolicyError;

const MAX_NETWORKS: usize = 1000;
/// Bits of an IPv6 address before the IPv4 address in it.
const BITS_BEFORE_V4: u8 = 96;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    pub fn parse(value: &Value) -> Result<Self, PolicyError> {
        let networks = value
            .as_array()
            .filter(|all| (1..=MAX_NETWORKS).contains(&all.len()))
            .and_then(|all| all.iter().map(|one| network(one.as_str()?)).collect());
        networks.map(Networks).ok_or_else(|| {
            let wanted = format!(
                "an array of 1 to {MAX_NETWORKS} addresses or networks such as 10.0.0.0/8, 192.0.2.7 and \
                 2001:db8::/32, with no bits set beyond the network's"
            );
            PolicyError::condition("addresses", wanted)
        })
    }

    pub fn find(&self, address: IpAddr) -> Option<&IpNet> {
        let address = address.to_canonical();
        self.0.iter().find(|network| network.contains(&address))
    }

    pub fn describe(&self) -> String {
        let all: Vec<String> = self.0.iter().map(shown).collect();
        all.join(", ")
    }
}

/// A single address without its length.
pub fn shown(network: &IpNet) -> String {
    if network.prefix_len() == network.max_prefix_len() {
        network.addr().to_string()
    } else {
        network.to_string()
    }
}

fn network(text: &str) -> Option<IpNet> {
    let network: IpNet = match text.parse::<IpAddr>() {
        Ok(address) => address.into(),
        Err(_) => text.parse().ok()?,
    };
    if network.addr() != network.network() {
        return None;
    }
    let v4_inside = match network {
        IpNet::V6(v6) => v6
            .addr()
            .to_ipv4_mapped()
            .zip(v6.prefix_len().checked_sub(BITS_BEFORE_V4)),
        IpNet::V4(_) => None,
    };
    match v4_inside {
        Some((address, length)) => Ipv4Net::new(address, length).ok().map(IpNet::V4),
        None => Some(network),
    }
}
