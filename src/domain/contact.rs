//! A person at a connection.

use std::fmt::{self, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::name::{ConnectionName, SourceName};

/// How a person is named at a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactRef {
    /// The provider's own id, as text so that no digit is lost.
    Id(String),
    /// An e-mail address in lower case.
    Email(String),
    /// A phone number as `+` and digits.
    Phone(String),
    /// The value of a field that the provider can search.
    Field {
        /// The field, as the provider names it.
        name: String,
        /// Its value.
        value: String,
    },
    /// No person at the provider: what is forwarded keeps its order by the source's contact, else by the source.
    Stream {
        /// The source.
        source: SourceName,
        /// The contact, as the source finds it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contact: Option<String>,
    },
}

impl ContactRef {
    /// An e-mail address, in the form in which addresses are compared; `None` for what can't be one: nothing stands before or
    /// after an `@`, or a space stands in it.
    pub fn email(text: &str) -> Option<Self> {
        let address = text.trim().to_lowercase();
        let (before, after) = address.rsplit_once('@')?;
        let sound = !before.is_empty() && !after.is_empty() && !address.contains(char::is_whitespace);
        sound.then_some(Self::Email(address))
    }

    /// Reads what [`fmt::Display`] writes, and a bare id; `None` when nothing is named.
    pub fn parse(text: &str) -> Option<Self> {
        let named = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        match text.split_once(':') {
            Some(("email", address)) => Self::email(address),
            Some(("phone", number)) => Self::phone(number),
            Some(("id", id)) => named(id).map(Self::Id),
            Some(("field", field)) => {
                let (name, value) = field.split_once('=')?;
                Some(Self::Field { name: named(name)?, value: named(value)? })
            }
            Some(("stream", stream)) => {
                let (source, contact) = stream.split_once('/').map_or((stream, None), |(s, c)| (s, Some(c.to_owned())));
                Some(Self::Stream { source: SourceName::parse(source).ok()?, contact })
            }
            _ => named(text).map(Self::Id),
        }
    }

    /// A phone number, in the form in which numbers are compared: `+` and digits; `None` when there is no digit.
    pub fn phone(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        // `00` is how many people write the `+`.
        let digits = digits.strip_prefix("00").filter(|_| !text.trim_start().starts_with('+')).unwrap_or(&digits);
        (!digits.is_empty()).then(|| Self::Phone(format!("+{digits}")))
    }
}

impl fmt::Display for ContactRef {
    /// `id:1568834`: the spelling of logs, the API and the contact's key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "id:{id}"),
            Self::Email(address) => write!(f, "email:{address}"),
            Self::Phone(number) => write!(f, "phone:{number}"),
            Self::Field { name, value } => write!(f, "field:{name}={value}"),
            Self::Stream { source, contact: Some(contact) } => write!(f, "stream:{source}/{contact}"),
            Self::Stream { source, contact: None } => write!(f, "stream:{source}"),
        }
    }
}

/// A person at a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Contact {
    /// Where the person is known.
    pub connection: ConnectionName,
    /// By what.
    pub reference: ContactRef,
}

impl Contact {
    /// The 16 bytes under which the store keeps this contact.
    pub fn key(&self) -> ContactKey {
        let mut hashed = Hashed(Sha256::new());
        hashed.0.update(self.connection.as_str().as_bytes());
        // A name holds no NUL, so two contacts never spell the same bytes.
        hashed.0.update([0]);
        let _ = write!(hashed, "{}", self.reference);
        ContactKey::from_hash(&hashed.0.finalize())
    }
}

/// Text that is hashed as it is written.
struct Hashed(Sha256);

impl fmt::Write for Hashed {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

/// A 16-byte hash of a contact. Two contacts meet in one with a chance of about 2^-64 after 2^32 contacts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContactKey(pub [u8; 16]);

impl ContactKey {
    /// The first 16 bytes of a longer hash.
    pub fn from_hash(hash: &[u8]) -> Self {
        let mut key = [0; 16];
        for (to, from) in key.iter_mut().zip(hash) {
            *to = *from;
        }
        Self(key)
    }

    /// Its first byte: contacts of one are in one bucket, which one gateway at a time delivers for.
    pub fn bucket(self) -> u8 {
        let [first, ..] = self.0;
        first
    }
}

impl fmt::Debug for ContactKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_are_compared_as_plus_and_digits_and_addresses_in_lower_case() {
        let phone = |text| ContactRef::phone(text).map(|contact| contact.to_string());
        for text in ["+57 300 123-45-67", "573001234567", "0057 (300) 1234567"] {
            assert_eq!(phone(text).as_deref(), Some("phone:+573001234567"), "{text}");
        }
        assert_eq!(phone("+00 1").as_deref(), Some("phone:+001"));
        assert_eq!(phone("none"), None);
        assert_eq!(ContactRef::email(" Ana@Example.COM "), Some(ContactRef::Email("ana@example.com".to_owned())));
        assert_eq!(ContactRef::email(" "), None);
    }

    #[test]
    fn what_is_written_of_a_contact_reads_as_the_same() {
        for text in ["id:17", "email:ana@example.com", "phone:+57300", "field:plan=pro", "stream:bot/7", "stream:bot"] {
            assert_eq!(ContactRef::parse(text).map(|contact| contact.to_string()).as_deref(), Some(text));
        }
        assert_eq!(ContactRef::parse("17"), Some(ContactRef::Id("17".to_owned())));
        assert_eq!(
            ContactRef::parse("a:b"),
            Some(ContactRef::Id("a:b".to_owned())),
            "a provider's id may hold a colon"
        );
        for text in ["", "id:", "email:", "phone:x", "field:plan", "stream:"] {
            assert_eq!(ContactRef::parse(text), None, "{text}");
        }
    }

    #[test]
    fn keys_tell_connections_and_references_apart() {
        let contact = |connection: &str, id: &str| {
            Contact {
                connection: ConnectionName::parse(connection).expect("a name"),
                reference: ContactRef::Id(id.into()),
            }
            .key()
        };
        assert_eq!(contact("crm", "1"), contact("crm", "1"));
        assert_ne!(contact("crm", "1"), contact("crm", "2"));
        assert_ne!(contact("crm", "1"), contact("crm2", "1"));
    }
}
