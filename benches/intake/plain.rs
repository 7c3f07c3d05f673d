//! The measuring stick of PostgreSQL: what a program of this kind mostly does. It verifies, reads and decides as the gateway does, and
//! has a row of the event and one of its operation committed before it answers: one writer, one statement for all that has gathered.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::net::SocketAddr;
use std::sync::mpsc::{self, SyncSender};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;
use tokio::sync::oneshot;
use tokio_postgres::{Client, NoTls};

use crate::Outcome;
use crate::options::Ids;
use crate::shapes::{SECRET, SOURCE};

/// Ids are text, and there are four indexes.
const TABLES: &str = "
    CREATE TABLE event (id TEXT PRIMARY KEY, source TEXT NOT NULL, key TEXT NOT NULL, contact TEXT NOT NULL, intent TEXT NOT NULL,
        received_at BIGINT NOT NULL, body TEXT NOT NULL, reply TEXT NOT NULL, UNIQUE (source, key));
    CREATE TABLE op (id TEXT PRIMARY KEY, event_id TEXT NOT NULL, contact TEXT NOT NULL, rule TEXT NOT NULL, tag TEXT NOT NULL,
        state TEXT NOT NULL);
    CREATE INDEX op_by_contact ON op (contact)";

/// One statement a batch. Whoever repeats an event has no operation.
const INSERT: &str = "
    WITH new AS (INSERT INTO event (id, source, key, contact, intent, received_at, body, reply)
        SELECT e.id, $1, e.key, e.contact, e.intent, $2, e.body, e.reply
        FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) AS e (id, key, contact, intent, body, reply)
        ON CONFLICT (source, key) DO NOTHING RETURNING id)
    INSERT INTO op (id, event_id, contact, rule, tag, state)
    SELECT o.id, o.event, o.contact, o.rule, o.tag, 'waiting'
    FROM unnest($9::text[], $3::text[], $5::text[], $10::text[], $11::text[]) AS o (id, event, contact, rule, tag)
    WHERE o.event IN (SELECT id FROM new)";

/// Events in one statement at most.
const MOST: usize = 2_048;

/// A rule: its tag and its reply.
struct Rule {
    id: String,
    tag: String,
    reply: String,
}

/// An event on its way.
struct Job {
    key: String,
    contact: String,
    intent: String,
    body: String,
    reply: String,
    rule: String,
    tag: String,
    done: oneshot::Sender<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    response_id: &'a str,
    #[serde(borrow)]
    query_result: Query<'a>,
    #[serde(borrow)]
    original_detect_intent_request: Original<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Query<'a> {
    #[serde(borrow)]
    intent: Intent<'a>,
    intent_detection_confidence: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Intent<'a> {
    display_name: &'a str,
}

#[derive(Deserialize)]
struct Original<'a> {
    #[serde(borrow)]
    payload: Payload<'a>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    helpcrunch_id: &'a str,
}

struct Server {
    keyed: Hmac<Sha256>,
    rules: HashMap<String, Rule>,
    writer: SyncSender<Job>,
}

/// Serves until the process is ended.
pub fn serve(address: SocketAddr, url: &str, rules: usize, ids: Ids) -> Outcome<()> {
    let (writer, queue) = mpsc::sync_channel(8_192);
    let (url, (tell, ready)) = (url.to_owned(), mpsc::channel());
    std::thread::spawn(move || {
        if let Err(error) = write(&url, &queue, &tell, ids) {
            let _ = tell.send(Err(error));
        }
    });
    ready.recv()??;
    let rule = |number: usize| {
        let (id, tag) = (format!("rule-{number:05}"), format!("Topic {number:05}"));
        (format!("topic-{number:05}.ask"), Rule { id, tag, reply: "Thank you! We will call you today.".to_owned() })
    };
    let key = STANDARD.decode(SECRET.trim_start_matches("whsec_"))?;
    let server = Server { keyed: Hmac::new_from_slice(&key)?, rules: (0..rules).map(rule).collect(), writer };
    let server = web::Data::new(server);
    let app = move || App::new().app_data(server.clone()).default_service(web::to(take));
    Ok(actix_web::rt::System::new().block_on(HttpServer::new(app).bind(address)?.run())?)
}

async fn take(request: HttpRequest, body: web::Bytes, server: web::Data<Server>) -> HttpResponse {
    let Some((job, done)) = server.job(&request, &body) else { return HttpResponse::BadRequest().finish() };
    let reply = serde_json::json!({ "fulfillmentText": job.reply }).to_string();
    if server.writer.try_send(job).is_err() {
        return HttpResponse::ServiceUnavailable().finish();
    }
    match done.await {
        Ok(true) => HttpResponse::Ok().content_type("application/json").body(reply),
        _ => HttpResponse::ServiceUnavailable().finish(),
    }
}

impl Server {
    /// The event of a request that is proven and that a rule answers.
    fn job(&self, request: &HttpRequest, body: &[u8]) -> Option<(Job, oneshot::Receiver<bool>)> {
        let head = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let (id, at) = (head("webhook-id")?, head("webhook-timestamp")?);
        let signature = STANDARD.decode(head("webhook-signature")?.strip_prefix("v1,")?).ok()?;
        let mut mac = self.keyed.clone();
        for part in [id.as_bytes(), b".", at.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac.verify_slice(&signature).ok()?;
        let text = std::str::from_utf8(body).ok()?;
        let Body { response_id, query_result, original_detect_intent_request } = serde_json::from_str(text).ok()?;
        let intent = query_result.intent.display_name;
        let rule = self.rules.get(intent).filter(|_| query_result.intent_detection_confidence >= 0.5)?;
        let (done, answered) = oneshot::channel();
        let job = Job {
            key: response_id.to_owned(),
            contact: original_detect_intent_request.payload.helpcrunch_id.to_owned(),
            intent: intent.to_owned(),
            body: text.to_owned(),
            reply: rule.reply.clone(),
            rule: rule.id.clone(),
            tag: rule.tag.clone(),
            done,
        };
        Some((job, answered))
    }
}

/// The writer: takes what has gathered and answers after the commit.
fn write(url: &str, queue: &mpsc::Receiver<Job>, tell: &mpsc::Sender<Outcome<()>>, form: Ids) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let client = runtime.block_on(connect(url))?;
    // A plan that is made for any number of rows expects few: with loops inside of loops it would be slow for many.
    runtime.block_on(client.batch_execute(&format!("{TABLES}; SET enable_nestloop = off")))?;
    let statement = runtime.block_on(client.prepare(INSERT))?;
    tell.send(Ok(()))?;
    let (mut number, random) = (0_u64, std::hash::RandomState::new());
    while let Ok(first) = queue.recv() {
        let mut jobs = vec![first];
        jobs.extend(queue.try_iter().take(MOST - 1));
        let mut id = |_: &Job| {
            number += 1;
            match form {
                Ids::Ordered => format!("evt_{number:032x}"),
                Ids::Random => format!("evt_{:016x}{:016x}", random.hash_one(number), random.hash_one((number, ()))),
            }
        };
        let ids: Vec<String> = jobs.iter().map(&mut id).collect();
        let ops: Vec<String> = ids.iter().map(|id| id.replace("evt", "op")).collect();
        let list = |of: fn(&Job) -> &String| jobs.iter().map(|job| of(job).as_str()).collect::<Vec<&str>>();
        let (keys, contacts, intents, bodies) =
            (list(|job| &job.key), list(|job| &job.contact), list(|job| &job.intent), list(|job| &job.body));
        let (replies, rules, tags) = (list(|job| &job.reply), list(|job| &job.rule), list(|job| &job.tag));
        let now = tagrelay::clock::now().0;
        let written = runtime.block_on(client.execute(
            &statement,
            &[&SOURCE, &now, &ids, &keys, &contacts, &intents, &bodies, &replies, &ops, &rules, &tags],
        ));
        for job in jobs {
            let _ = job.done.send(written.is_ok());
        }
        written?;
    }
    Ok(())
}

async fn connect(url: &str) -> Outcome<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
