//! What is personal in an event, by its look and by the key that it stands under, and what stands in its place.

use std::collections::HashMap;

use crate::domain::detail::Detail;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// A person's name.
    Name,
    /// What names one person, conversation or thing.
    Id,
    /// Words that somebody wrote.
    Words,
    /// Something else about a person: where they live, when they were born.
    Private,
    /// None of these.
    Plain,
}

impl Kind {
    /// Whether it may not stand in a test.
    pub fn is_personal(self) -> bool {
        self != Self::Plain
    }

    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Email => "an e-mail address",
            Self::Phone => "a phone number",
            Self::Name => "a name",
            Self::Id => "an id",
            Self::Words => "somebody's words",
            Self::Private => "something private",
            Self::Plain => "a value",
        }
    }

    /// What a value is that stands under these keys, the outermost first.
    pub fn of(value: &str, keys: &[String]) -> Self {
        let value = value.trim();
        if value.is_empty() {
            return Self::Plain;
        }
        let top = keys.first().map(String::as_str).unwrap_or_default();
        let is_told = Detail::named(top).is_some_and(|detail| !matches!(detail, Detail::Phone | Detail::Knowledge));
        let names_a_thing = is_told || ["intent", "type", "language", "confidence", "page", "flow"].contains(&top);
        if names_a_thing && keys.len() == 1 {
            return Self::Plain;
        }
        if is_email(value) {
            return Self::Email;
        }
        // `displayName` is a person's on one platform, and an intent's on another.
        if keys.iter().any(|key| ["intent", "intentInfo", "pageInfo", "flowInfo"].contains(&key.as_str())) {
            return Self::Plain;
        }
        let by_key = keys.iter().rev().find_map(|key| of_key(key));
        let digits = value.chars().filter(char::is_ascii_digit).count();
        let is_number = digits >= 5 && value.chars().all(|c| c.is_ascii_digit() || "+-() .".contains(c));
        match by_key {
            Some(Self::Phone) if is_number => return Self::Phone,
            _ if value.starts_with('+') && is_number => return Self::Phone,
            Some(Self::Phone | Self::Email) | None => {}
            Some(kind) => return kind,
        }
        let is_token = value.len() >= 16
            && !value.contains(' ')
            && digits >= 4
            && value.chars().all(|c| c.is_ascii_alphanumeric() || "-_=:./".contains(c));
        if (is_number && digits >= 7) || is_token || value.contains("://") {
            return Self::Id;
        }
        if (top == "text" && keys.len() == 1) || value.split_whitespace().count() > 3 || value.chars().count() > 40 {
            return Self::Words;
        }
        if by_key.is_some() { Self::Private } else { Self::Plain }
    }
}

/// Words of keys and what stands under them, those first that decide over others: `email_id` is an address.
const KEYS: [(Kind, &[&str]); 5] = [
    (Kind::Email, &["mail", "correo"]),
    (Kind::Phone, &["phone", "tel", "mobile", "movil", "celular", "cell", "whatsapp", "msisdn", "fax"]),
    (Kind::Name, &["name", "nombre", "apellido", "nome", "sobrenome", "surname", "person", "persona", "author"]),
    (
        Kind::Private,
        &[
            "address",
            "direccion",
            "endereco",
            "street",
            "calle",
            "zip",
            "postcode",
            "birth",
            "birthday",
            "nacimiento",
            "dob",
            "dni",
            "cedula",
            "document",
            "documento",
            "passport",
            "ssn",
            "ip",
            "lat",
            "lng",
            "latitude",
            "longitude",
            "location",
            "forwarded",
            "card",
            "iban",
        ],
    ),
    (Kind::Id, &["id", "uid", "uuid", "contact", "session", "user", "username", "token", "cid", "key", "login"]),
];

fn of_key(key: &str) -> Option<Kind> {
    let words = words_of(key);
    KEYS.iter().find_map(|(kind, known)| {
        let is_known = |word: &String| {
            known.contains(&word.as_str())
                // `firstname`, `telefono`, `userid` are written in one word too.
                || known.iter().any(|known| known.len() >= 4 && (word.ends_with(known) || word.starts_with(known)))
                || (*kind == Kind::Phone && word.starts_with("tel"))
        };
        words.iter().any(is_known).then_some(*kind)
    })
}

/// `helpcrunchId`, `first-name` and `X_User` in their words.
fn words_of(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_is_low = false;
    for letter in key.chars() {
        if !letter.is_alphanumeric() || (letter.is_uppercase() && before_is_low) {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
        before_is_low = letter.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

fn is_email(value: &str) -> bool {
    let Some((before, after)) = value.split_once('@') else { return false };
    !before.is_empty() && after.contains('.') && !value.contains(char::is_whitespace)
}

const NAMES: [&str; 8] = ["Ana", "Bo", "Cleo", "Dani", "Eli", "Fay", "Gus", "Hana"];

/// What stands in place of personal values: the same for the same.
#[derive(Debug, Default)]
pub struct Substitutes {
    counts: HashMap<Kind, usize>,
}

impl Substitutes {
    /// The last one of a kind wasn't taken.
    pub fn give_back(&mut self, kind: Kind) {
        if let Some(count) = self.counts.get_mut(&kind) {
            *count -= 1;
        }
    }

    /// What may stand in place of a value, the most readable first: rules may ask for a number, or for words.
    pub fn of(&mut self, kind: Kind, value: &str) -> Vec<String> {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let n = *count;
        let name = NAMES.get((n - 1) % NAMES.len()).copied().unwrap_or("Ana");
        let again = if n > NAMES.len() { n.to_string() } else { String::new() };
        let number = (1_000 + n).to_string();
        let is_upper = value.chars().any(char::is_uppercase) && !value.chars().any(char::is_lowercase);
        match kind {
            Kind::Email => vec![format!("{}{again}@example.com", name.to_lowercase())],
            Kind::Phone if value.starts_with('+') => vec![format!("+573{:07}", n)],
            Kind::Phone => vec![format!("573{:07}", n)],
            Kind::Name if is_upper => vec![format!("{name}{again}").to_uppercase()],
            Kind::Name => vec![format!("{name}{again}")],
            Kind::Id => vec![format!("contact-{n}"), number],
            Kind::Words => vec!["some words".to_owned()],
            Kind::Private | Kind::Plain => vec![format!("value-{n}"), number],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_by_their_look_and_by_their_keys() {
        for (key, value, kind) in [
            ("params.email", "Ana.Perez@gmail.com", Kind::Email),
            ("params.note", "x@y.co", Kind::Email),
            ("params.phone", "300 123 4567", Kind::Phone),
            ("payload.x", "+57 (300) 123-45-67", Kind::Phone),
            ("params.telefono", "3001234567", Kind::Phone),
            ("params.firstName", "Ana", Kind::Name),
            ("params.nombre", "Ana", Kind::Name),
            ("params.person.name", "Ana", Kind::Name),
            ("payload.user.id", "17", Kind::Id),
            ("payload.helpcrunch_id", "17", Kind::Id),
            ("contact", "17", Kind::Id),
            ("session", "projects/p/agent/sessions/9", Kind::Id),
            ("params.order", "1568834902", Kind::Id),
            ("params.link", "https://shop.example/u/ana", Kind::Id),
            ("params.birth_date", "1990-01-02", Kind::Private),
            ("headers.x-forwarded-for", "10.1.2.3", Kind::Private),
            ("text", "precio", Kind::Words),
            ("params.wish", "call me back after nine", Kind::Words),
            ("params.plan", "pro", Kind::Plain),
            ("params.budget", "6000", Kind::Plain),
            ("params.wide", "yes", Kind::Plain),
            ("intent", "pricing.by.somebody.who.asks.for.a.long.time", Kind::Plain),
            ("language", "es-419", Kind::Plain),
            ("queryResult.intent.displayName", "pricing.inquiry", Kind::Plain),
            ("payload.displayName", "Ana", Kind::Name),
        ] {
            let keys: Vec<String> = key.split('.').map(str::to_owned).collect();
            assert_eq!(Kind::of(value, &keys), kind, "{key}: {value}");
        }
    }
}
