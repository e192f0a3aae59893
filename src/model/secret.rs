//! Sealing secrets: XChaCha20-Poly1305 with a random nonce. A sealed secret opens
//! for the tool and the name that it was sealed for alone, so that nobody who can
//! write to the table can have one shown as another.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

pub const KEY_BYTES: usize = 32;
pub const NONCE_BYTES: usize = 24;
pub const KEY_ID_BYTES: usize = 8;

/// Goes before what a secret is bound to, so that another use of the same key
/// makes nothing that opens here.
const PURPOSE: &[u8] = b"projectalpha_store secret 1";

/// A key; overwritten when it is dropped. It has no Debug: it is never shown.
pub struct SecretKey(Zeroizing<[u8; KEY_BYTES]>);

/// Tells keys apart without showing anything of them.
pub type KeyId = [u8; KEY_ID_BYTES];

impl SecretKey {
    /// Takes what a key file has: the bytes, or twice as many hexadecimal digits,
    /// with white space around them. None if it is neither.
    pub fn of_file(content: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        if content.len() == KEY_BYTES {
            key.copy_from_slice(content);
            return Some(SecretKey(key));
        }
        let digits = content.trim_ascii();
        if digits.len() != 2 * KEY_BYTES {
            return None;
        }
        for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
            let high = (pair[0] as char).to_digit(16)?;
            let low = (pair[1] as char).to_digit(16)?;
            *byte = (high * 16 + low) as u8;
        }
        Some(SecretKey(key))
    }

    pub fn id(&self) -> KeyId {
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&Sha256::digest(self.0.as_slice())[..KEY_ID_BYTES]);
        id
    }

    /// The nonce and the encrypted secret. None if the secret is larger than any
    /// text is.
    pub fn seal(
        &self,
        nonce: &[u8; NONCE_BYTES],
        owner: &Owner<'_>,
        secret: &str,
    ) -> Option<Vec<u8>> {
        let encrypted = self
            .cipher()
            .encrypt(
                &XNonce::from(*nonce),
                Payload {
                    msg: secret.as_bytes(),
                    aad: &owner.bytes(),
                },
            )
            .ok()?;
        Some([nonce.as_slice(), &encrypted].concat())
    }

    /// The secret, if it was sealed with this key for this owner.
    pub fn open(&self, owner: &Owner<'_>, sealed: &[u8]) -> Option<String> {
        let (nonce, encrypted) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload {
            msg: encrypted,
            aad: &owner.bytes(),
        };
        let opened = self.cipher().decrypt(&XNonce::from(*nonce), payload).ok()?;
        String::from_utf8(opened).ok()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(*self.0))
    }
}

/// Whose secret it is.
pub struct Owner<'a> {
    pub tool_id: i64,
    pub name: &'a str,
}

impl Owner<'_> {
    /// Different for different owners: the part of varying length comes last.
    fn bytes(&self) -> Vec<u8> {
        [PURPOSE, &self.tool_id.to_be_bytes(), self.name.as_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(byte: u8) -> SecretKey {
        SecretKey::of_file(&[byte; KEY_BYTES]).unwrap()
    }

    #[test]
    fn key_files() {
        let hex = "0F".repeat(KEY_BYTES);
        for content in [hex.clone(), format!("{hex}\n"), format!(" {hex}\r\n")] {
            assert_eq!(
                SecretKey::of_file(content.as_bytes()).unwrap().id(),
                key(15).id()
            );
        }
        for bad in [
            "",
            "0f",
            &hex[1..],
            &format!("{hex}0"),
            &"0g".repeat(KEY_BYTES),
        ] {
            assert!(SecretKey::of_file(bad.as_bytes()).is_none(), "{bad}");
        }
        assert!(SecretKey::of_file(&[7; KEY_BYTES + 1]).is_none());
        assert_ne!(key(1).id(), key(2).id());
    }

    #[test]
    fn the_construction_is_the_published_one() {
        // XChaCha20-Poly1305 of draft-irtf-cfrg-xchacha-03, A.3.1, made with its own associated data.
        let hex = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f";
        let key = SecretKey::of_file(hex.as_bytes()).unwrap();
        let nonce: Vec<u8> = (0x40..0x58).collect();
        let text = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
        let aad = [
            0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7,
        ];
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().unwrap();
        let sealed = key
            .cipher()
            .encrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: text,
                    aad: &aad,
                },
            )
            .unwrap();
        assert_eq!(
            sealed[..8],
            [0xbd, 0x6d, 0x17, 0x9d, 0x3e, 0x83, 0xd4, 0x3b]
        );
        let tag = &sealed[sealed.len() - 16..];
        assert_eq!(tag[..4], [0xc0, 0x87, 0x59, 0x24]);
    }

    proptest! {
        #[test]
        fn opens_for_its_owner_alone(
            secret in "\\PC{0,200}", nonce: [u8; NONCE_BYTES], id: i64, name in "[a-z_]{1,10}",
            other_id: i64, other_name in "[a-z_]{1,10}", flip: prop::sample::Index,
        ) {
            let owner = Owner { tool_id: id, name: &name };
            let mut sealed = key(1).seal(&nonce, &owner, &secret).unwrap();
            let opened = key(1).open(&owner, &sealed);
            prop_assert_eq!(opened, Some(secret));
            prop_assert!(key(2).open(&owner, &sealed).is_none());
            let other = Owner { tool_id: other_id, name: &name };
            prop_assert_eq!(key(1).open(&other, &sealed).is_some(), other_id == id);
            let other = Owner { tool_id: id, name: &other_name };
            prop_assert_eq!(key(1).open(&other, &sealed).is_some(), other_name == name);
            let at = flip.index(sealed.len());
            sealed[at] ^= 1;
            prop_assert!(key(1).open(&owner, &sealed).is_none());
        }

        #[test]
        fn no_bytes_make_it_panic(sealed: Vec<u8>) {
            let owner = Owner { tool_id: 1, name: "a" };
            prop_assert!(key(1).open(&owner, &sealed).is_none());
        }
    }
}
