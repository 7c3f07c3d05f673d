//! How people write whom they mean: one reading in all commands.

use crate::domain::contact::ContactRef;

/// What the commands take for a contact. `ana@example.com` and `+57 300..` are taken as people write them; an id of such a form
/// is `id:..`.
pub fn meant(text: &str) -> Result<ContactRef, &'static str> {
    let spelt = if !text.contains(':') && text.contains('@') {
        format!("email:{text}")
    } else if text.starts_with('+') {
        format!("phone:{text}")
    } else {
        text.to_owned()
    };
    ContactRef::parse(&spelt)
        .ok_or("expected an id, an e-mail address, +57.., or id:.., email:.., phone:.., field:name=value")
}
