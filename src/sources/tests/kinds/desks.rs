//! What help desks, forms, repositories and payments send.

use super::*;

pub fn rows() -> Vec<Row> {
    [intercom(), zendesk(), others()].into_iter().flatten().collect()
}

fn intercom() -> Vec<Row> {
    let kind = SourceKind::Intercom;
    vec![
        sample(
            kind,
            Read {
                kind: "conversation.user.created",
                text: PRICE,
                session: "215468",
                contact: "64f0c1",
                key: "notif_78c122d0-23ba-11e4-9464-79b01267cc2e",
                params: "type id source contacts conversation_parts",
                ..none()
            },
        ),
        row(
            kind,
            "a reply",
            r#"{"type":"notification_event","id":"n2","topic":"conversation.user.replied","data":{"item":{"type":"conversation","id":"2","user":{"id":"u1"},"conversation_parts":{"conversation_parts":[{"body":"<p>No</p>"},{"body":"<p>Yes, &lt;3</p>"}]}}}}"#,
            Read {
                kind: "conversation.user.replied",
                text: "Yes, <3",
                session: "2",
                contact: "u1",
                key: "n2",
                params: "type id user conversation_parts",
                ..none()
            },
        ),
        row(
            kind,
            "a tag",
            r#"{"type":"notification_event","id":"n3","topic":"contact.user.tag.created","data":{"item":{"type":"contact_tag","contact":{"id":"64f0c1"},"tag":{"type":"tag","id":"9","name":"VIP"}}}}"#,
            Read {
                kind: "contact.user.tag.created",
                contact: "64f0c1",
                key: "n3",
                tags: Some(("64f0c1", added("VIP"))),
                params: "type contact tag",
                ..none()
            },
        ),
        row(
            kind,
            "a tag of an older version, taken away",
            r#"{"id":"n4","topic":"user.tag.deleted","data":{"item":{"type":"user_tag","user":{"id":"u1"},"tag":{"name":"VIP"}}}}"#,
            Read {
                kind: "user.tag.deleted",
                contact: "u1",
                key: "n4",
                tags: Some(("u1", removed("VIP"))),
                params: "type user tag",
                ..none()
            },
        ),
        row(
            kind,
            "the tag of a conversation's part, which is no tag of a person",
            r#"{"id":"n5","topic":"conversation_part.tag.created","data":{"item":{"type":"conversation","id":"3","user":{"id":"u1"}}}}"#,
            Read {
                kind: "conversation_part.tag.created",
                session: "3",
                contact: "u1",
                key: "n5",
                params: "type id user",
                ..none()
            },
        ),
        row(
            kind,
            "a contact",
            r#"{"id":"n6","topic":"contact.user.created","data":{"item":{"type":"contact","id":"64f0c1","language_override":"pt-BR"}}}"#,
            Read {
                kind: "contact.user.created",
                language: "pt-BR",
                contact: "64f0c1",
                key: "n6",
                params: "type id language_override",
                ..none()
            },
        ),
        row(
            kind,
            "a ping",
            r#"{"topic":"ping","data":{"item":{"type":"ping"}}}"#,
            Read { kind: "ping", params: "type", ..none() },
        ),
    ]
}

fn zendesk() -> Vec<Row> {
    let kind = SourceKind::Zendesk;
    let detail = "id requester_id";
    vec![
        sample(
            kind,
            Read {
                kind: "user.tags_changed",
                contact: "6596848315901",
                key: "2b24ef10-19d8-4b4e-93cf-3f1e7c8a2e6d",
                tags: Some(("6596848315901", added("vip"))),
                params: "id email role external_id default_group_id organization_id created_at updated_at",
                ..none()
            },
        ),
        row(
            kind,
            "tags that came and went at once",
            r#"{"type":"zen:event-type:user.tags_changed","id":"z2","subject":"zen:user:7","detail":{"id":"7"},"event":{"added":{"tags":["a"]},"removed":{"tags":["b"]}}}"#,
            Read {
                kind: "user.tags_changed",
                contact: "7",
                key: "z2",
                tags: Some(("7", TagNews::Unknown)),
                params: "id",
                ..none()
            },
        ),
        row(
            kind,
            "what the person wrote",
            r#"{"type":"zen:event-type:ticket.comment_added","id":"z3","subject":"zen:ticket:5158","detail":{"id":"5158","requester_id":"7"},"event":{"comment":{"body":"¿Precio?","author":{"id":"7","is_staff":false}}}}"#,
            Read {
                kind: "ticket.comment_added",
                text: "¿Precio?",
                session: "5158",
                contact: "7",
                key: "z3",
                params: detail,
                ..none()
            },
        ),
        row(
            kind,
            "what staff wrote",
            r#"{"type":"zen:event-type:ticket.comment_added","id":"z4","subject":"zen:ticket:5158","detail":{"id":"5158","requester_id":"7"},"event":{"comment":{"body":"Hola","author":{"id":"9","is_staff":true}}}}"#,
            Read { kind: "ticket.comment_added", session: "5158", contact: "7", key: "z4", params: detail, ..none() },
        ),
        row(
            kind,
            "a user",
            r#"{"type":"zen:event-type:user.created","id":"z5","subject":"zen:user:7","detail":{"id":"7","locale":"es-419"},"event":{}}"#,
            Read { kind: "user.created", language: "es-419", contact: "7", key: "z5", params: "id locale", ..none() },
        ),
        row(
            kind,
            "the body of a trigger, as its admin wrote it",
            r#"{"ticket":17,"email":"ana@panaderia.example"}"#,
            Read { params: "ticket email", ..none() },
        ),
    ]
}

fn others() -> Vec<Row> {
    vec![
        sample(
            SourceKind::Typeform,
            Read {
                kind: "form_response",
                session: "a3a12ec67a1365927098a606107fac15",
                key: "01KDX0PANADERIA00000000001",
                params: "budget crm_id email plan",
                ..none()
            },
        ),
        sample(
            SourceKind::Github,
            Read {
                kind: "issue_comment.created",
                text: "Mine too.",
                session: "MDU6SXNzdWU0NDQ1MDAwNDE=",
                contact: "21031068",
                params: "action issue comment repository sender",
                ..none()
            },
        ),
        Row {
            kind: SourceKind::Github,
            name: "a ping",
            body: r#"{"zen":"Design for failure.","hook_id":1}"#,
            headers: &[("x-github-event", "ping"), ("x-github-delivery", "72d3162e")],
            read: Read { kind: "ping", key: "72d3162e", params: "zen hook_id", ..none() },
        },
        row(
            SourceKind::Github,
            "a body without its header",
            r#"{"action":"opened","issue":{"body":"x"}}"#,
            Read { kind: "opened", text: "x", params: "action issue", ..none() },
        ),
        sample(
            SourceKind::Stripe,
            Read {
                kind: "checkout.session.completed",
                language: "es",
                contact: "cus_Panaderia1",
                key: "evt_1SkPanaderia000001",
                params: "id object amount_total currency customer customer_details locale payment_status metadata",
                ..none()
            },
        ),
        row(
            SourceKind::Stripe,
            "a customer",
            r#"{"id":"evt_2","type":"customer.created","data":{"object":{"id":"cus_1","object":"customer","email":"a@b.example"}}}"#,
            Read { kind: "customer.created", contact: "cus_1", key: "evt_2", params: "id object email", ..none() },
        ),
    ]
}
