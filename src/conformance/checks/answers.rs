//! Answers: each status is taken for what it means, a wish to wait is kept, nothing secret is shown.

use std::time::Duration;

use serde_json::json;

use super::{Asked, of_all};
use crate::conformance::Check;
use crate::conformance::ground::{CREDENTIAL, Ground, NOW, is};
use crate::conformance::sort;
use crate::domain::connection::{Capabilities, ProviderKind};
use crate::domain::time::Timestamp;
use crate::providers::Ruling;
use crate::providers::{Called, Glance, Outcome};

pub const STATUSES: Check = Check {
    name: "statuses",
    about: "each status is taken for what the provider's pages and HTTP say of it",
    asked_of: of_all,
    run: |ground| Box::pin(statuses(ground)),
};

async fn statuses(ground: &Ground) -> Result<(), String> {
    let whom = ground.whom().await?;
    // A token that is fetched for the act is another matter.
    let contact = whom.as_ref().map(|person| person.id.clone());
    for status in 200..600 {
        ground.fault(&json!({ "kind": "status", "status": status, "contact": contact }))?;
        let called = ground.act(whom.as_ref()).await;
        is(&called, sort::of_status(ground.kind, status)).map_err(|why| format!("{status}: {why}"))?;
        ground.sandbox.clear_faults();
    }
    Ok(())
}

pub const SECONDS: Check = Check {
    name: "Retry-After in seconds",
    about: "how long the provider asks to wait is kept, in seconds",
    asked_of: of_all,
    run: |ground| Box::pin(waits(ground, "90".to_owned())),
};

pub const DATE: Check = Check {
    name: "Retry-After as a date",
    about: "how long the provider asks to wait is kept, as a date",
    asked_of: of_all,
    run: |ground| Box::pin(waits(ground, date(NOW.plus(Duration::from_secs(90))))),
};

async fn waits(ground: &Ground, retry_after: String) -> Result<(), String> {
    let whom = ground.whom().await?;
    ground.fault(&json!({ "kind": "throttle", "retry_after": retry_after, "times": 1 }))?;
    ground.fault(&json!({ "kind": "status", "status": 503, "retry_after": retry_after, "times": 1 }))?;
    for wanted in [Ruling::Throttled, Ruling::InDoubt] {
        let called = ground.act(whom.as_ref()).await;
        is(&called, wanted)?;
        let Outcome::Retry { after, .. } = called.outcome else { return Err("it isn't retried".to_owned()) };
        if after != Some(Duration::from_secs(90)) {
            return Err(format!("90 s were asked for, {after:?} was understood"));
        }
    }
    Ok(())
}

fn date(at: Timestamp) -> String {
    let since = Duration::from_millis(u64::try_from(at.millis()).unwrap_or_default());
    httpdate::fmt_http_date(std::time::SystemTime::UNIX_EPOCH + since)
}

pub const REFUSED_ONCE: Check = Check {
    name: "refused once",
    about: "a credential that is refused isn't tried again; one that is exchanged for a token is renewed once",
    asked_of: of_all,
    run: |ground| Box::pin(refused_once(ground)),
};

async fn refused_once(ground: &Ground) -> Result<(), String> {
    let whom = ground.whom().await?;
    let contact = whom.as_ref().map(|person| person.id.clone());
    // Only the act itself: a token that can still be had says more than one that can't.
    ground.fault(&json!({ "kind": "status", "status": 401, "contact": contact }))?;
    let (called, calls) = ground.calls_of(ground.act(whom.as_ref())).await;
    is(&called, Ruling::Refused)?;
    let exchanged = ground.can().credentials.first().is_some_and(|keys| keys.len() > 1);
    let tried = calls.iter().filter(|call| call.status == Some(401)).count();
    let most = if exchanged { 2 } else { 1 };
    if tried > most { Err(format!("it was tried {tried} times, {most} would do")) } else { Ok(()) }
}

pub const SECRETS: Check = Check {
    name: "secrets",
    about: "a credential that the provider quotes back is in no attempt and no reason",
    asked_of: of_all,
    run: |ground| Box::pin(secrets(ground)),
};

async fn secrets(ground: &Ground) -> Result<(), String> {
    let whom = ground.whom().await?;
    for status in [200, 400, 401, 403, 429, 500] {
        ground.fault(&json!({ "kind": "echo", "status": status }))?;
        let called = ground.act(whom.as_ref()).await;
        hides(&called)?;
        if let Some(person) = &whom {
            let asked = ground.subject.find(&person.by, &Glance::default(), NOW).await;
            hides(&Called { attempt: asked.attempt, outcome: asked.answer.err().unwrap_or(Outcome::Unproven) })?;
        }
        ground.sandbox.clear_faults();
    }
    Ok(())
}

/// What stood between the marks of the quotation must be gone, and the credential must be nowhere.
fn hides(called: &Called) -> Result<(), String> {
    let shown = format!("{called:?}");
    let quoted = shown.split("you said <").skip(1).filter_map(|rest| rest.split('>').next());
    let open = quoted.filter(|text| !text.contains("[secret]")).count();
    if open > 0 || shown.contains(CREDENTIAL) {
        return Err(format!("a credential is shown after {:?}: {}", called.attempt.status, called.outcome.verdict()));
    }
    Ok(())
}

pub const SHAPES: Check = Check {
    name: "other forms",
    about: "a success in another form that the pages don't rule out is one",
    asked_of: has_forms,
    run: |ground| Box::pin(shapes(ground)),
};

fn has_forms(kind: ProviderKind, _: &Capabilities) -> Asked {
    match kind {
        ProviderKind::Helpcrunch | ProviderKind::B2chat => Ok(()),
        _ => Err("its answers have one form"),
    }
}

async fn shapes(ground: &Ground) -> Result<(), String> {
    let person = ground.person().await?;
    for shape in ["whole", "data", "tags", "texts", "empty", "no_content"] {
        ground.fault(&json!({ "kind": "shape", "shape": shape, "contact": person.id }))?;
        is(&ground.act(Some(&person)).await, Ruling::Done).map_err(|why| format!("{shape}: {why}"))?;
        ground.sandbox.clear_faults();
    }
    Ok(())
}
