//! Stripe: one event a body, `{"id": "evt_..", "type": "customer.created", "data": {"object": {..}}}`.

use crate::domain::event::Event;
use crate::domain::json::JsonKind;
use crate::sources::fault::ReadError;
use crate::sources::reading::JsonBody;

use super::Code;
use super::look::{self, map, text};

pub static CODE: Code = Code::one(read, include_str!("../samples/stripe.json"));

fn read<'a>(body: &'a JsonBody<'_>, event: &mut Event<'a>) -> Result<(), ReadError> {
    let json = look::mapping(body)?;
    let [kind, key, data] = json.pick(["type", "id", "data"]);
    let kind = look::told(kind, "type", "an event of Stripe")?;
    let object = map(map(data).get("object"));
    let [own, what, customer, locale] = object.pick(["id", "object", "customer", "locale"]);
    event.contact = match text(what).as_deref() {
        Some("customer") => text(own),
        // An id, or the customer itself where it was expanded.
        _ => customer.and_then(|customer| match customer.kind() {
            JsonKind::Map => text(customer.get("id")),
            _ => text(Some(customer)),
        }),
    };
    event.language = text(locale).filter(|locale| locale != "auto");
    event.kind = Some(kind);
    event.key = text(key);
    event.params = object;
    event.payload = json;
    event.body = json;
    Ok(())
}
