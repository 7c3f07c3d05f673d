//! What chat platforms send.

use super::*;

pub fn rows() -> Vec<Row> {
    [helpcrunch(), respond_io(), b2chat(), chatwoot()].into_iter().flatten().collect()
}

fn helpcrunch() -> Vec<Row> {
    let kind = SourceKind::Helpcrunch;
    let customer = "id name userId email unsubscribed customData";
    vec![
        sample(
            kind,
            Read {
                kind: "message.chat.customer",
                text: PRICE,
                session: "5224081",
                contact: "8745474",
                key: "73499e69-285c-44c3-8431-a843ed08183d",
                params: "chat_id agent customer message",
                ..none()
            },
        ),
        row(
            kind,
            "an agent's message, which is not what the person said",
            r#"{"event":"message.chat.agent","eventData":{"chat_id":5,"agent":{"id":1},"customer":{"id":7},"message":{"text":"Hola"}},"id":"e2"}"#,
            Read {
                kind: "message.chat.agent",
                session: "5",
                contact: "7",
                key: "e2",
                params: "chat_id agent customer message",
                ..none()
            },
        ),
        row(
            kind,
            "a customer's tags",
            r#"{"event":"customer.tags_changed","eventData":{"id":8745474,"name":"Ana","userId":null,"email":"ana@panaderia.example","unsubscribed":false,"customData":{}},"attempts":0,"id":"e3"}"#,
            Read {
                kind: "customer.tags_changed",
                contact: "8745474",
                key: "e3",
                tags: Some(("8745474", TagNews::Unknown)),
                params: customer,
                ..none()
            },
        ),
        row(
            kind,
            "a customer's tags, should a body name them",
            r#"{"event":"customer.tags_changed","eventData":{"id":7,"tags":[{"name":"Lead","color":"red"},{"name":"Hot"}]},"id":"e4"}"#,
            Read {
                kind: "customer.tags_changed",
                contact: "7",
                key: "e4",
                tags: Some(("7", TagNews::All(vec!["Lead".into(), "Hot".into()]))),
                params: "id tags",
                ..none()
            },
        ),
        row(
            kind,
            "a chat",
            r#"{"event":"chat.closed","eventData":{"id":5224081,"customer":{"id":7,"name":"Ana"},"status":"closed"},"id":"e5"}"#,
            Read {
                kind: "chat.closed",
                session: "5224081",
                contact: "7",
                key: "e5",
                params: "id customer status",
                ..none()
            },
        ),
        row(
            kind,
            "an event that nobody has described yet",
            r#"{"event":"robot.sang","eventData":[1],"id":9}"#,
            Read { kind: "robot.sang", ..none() },
        ),
    ]
}

fn respond_io() -> Vec<Row> {
    let kind = SourceKind::RespondIo;
    vec![
        sample(
            kind,
            Read {
                kind: "message.received",
                text: PRICE,
                language: "es",
                contact: "445381935",
                key: "b5a0cf5e-7c11-4c1c-9a1b-2f0d3f7c1a01",
                params: "event_type event_id contact channel message",
                ..none()
            },
        ),
        row(
            kind,
            "a tag added",
            r#"{"event_type":"contact.tag.updated","event_id":"t1","tag":"deposit_paid","action":"add","contact":{"id":445381935}}"#,
            Read {
                kind: "contact.tag.updated",
                contact: "445381935",
                key: "t1",
                tags: Some(("445381935", added("deposit_paid"))),
                params: "event_type event_id tag action contact",
                ..none()
            },
        ),
        row(
            kind,
            "a tag removed, and a name for the act that isn't known",
            r#"{"event_type":"contact.tag.updated","tag":"x","action":"remove","contact":{"id":"c1"}}"#,
            Read {
                kind: "contact.tag.updated",
                contact: "c1",
                tags: Some(("c1", removed("x"))),
                params: "event_type tag action contact",
                ..none()
            },
        ),
        row(
            kind,
            "what an agent sent",
            r#"{"event_type":"message.sent","event_id":"m2","contact":{"id":1},"message":{"message":{"type":"text","text":"Hola"}}}"#,
            Read {
                kind: "message.sent",
                contact: "1",
                key: "m2",
                params: "event_type event_id contact message",
                ..none()
            },
        ),
        row(kind, "another shape", r#"{"some":"thing"}"#, Read { params: "some", ..none() }),
    ]
}

fn b2chat() -> Vec<Row> {
    let kind = SourceKind::B2chat;
    vec![
        sample(
            kind,
            Read {
                kind: "chat_closed",
                session: "00000000-0000-4000-8000-000000000003",
                contact: "60000004",
                params: "event chat",
                ..none()
            },
        ),
        row(
            kind,
            "a chat at the top",
            r#"{"chat_id":"c1","status":"CLOSED","contact":{"contact_id":63494354,"name":"Ana"}}"#,
            Read { session: "c1", contact: "63494354", params: "chat_id status contact", ..none() },
        ),
    ]
}

fn chatwoot() -> Vec<Row> {
    let kind = SourceKind::Chatwoot;
    vec![
        sample(
            kind,
            Read {
                kind: "message_created",
                text: PRICE,
                session: "101",
                contact: "17",
                key: "message_created/501",
                params: "event id content created_at message_type content_type content_attributes source_id sender \
                     conversation account inbox",
                ..none()
            },
        ),
        row(
            kind,
            "an agent's message",
            r#"{"event":"message_created","id":"1","content":"Hi","message_type":"outgoing","sender":{"id":3,"type":"user"},"conversation":{"id":101,"meta":{"sender":{"id":17}}}}"#,
            Read {
                kind: "message_created",
                session: "101",
                contact: "17",
                key: "message_created/1",
                params: "event id content message_type sender conversation",
                ..none()
            },
        ),
        row(
            kind,
            "a contact's labels",
            r#"{"event":"contact_updated","id":17,"name":"Ana","changed_attributes":[{"name":{"current_value":"Ana","previous_value":"A"}},{"label_list":{"current_value":["vip"],"previous_value":[]}}]}"#,
            Read {
                kind: "contact_updated",
                contact: "17",
                tags: Some(("17", TagNews::All(vec!["vip".into()]))),
                params: "event id name changed_attributes",
                ..none()
            },
        ),
        row(
            kind,
            "a conversation",
            r#"{"event":"conversation_status_changed","id":101,"status":"resolved","meta":{"sender":{"id":17},"assignee":{"id":3}}}"#,
            Read {
                kind: "conversation_status_changed",
                session: "101",
                contact: "17",
                params: "event id status meta",
                ..none()
            },
        ),
        row(
            kind,
            "the widget's start",
            r#"{"event":"webwidget_triggered","contact":{"id":17},"event_info":{}}"#,
            Read { kind: "webwidget_triggered", contact: "17", params: "event contact event_info", ..none() },
        ),
    ]
}
