//! `tagrelay send`: a body to a running gateway, signed as the source demands.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use super::out::say_line;
use super::reach::{At, Reach};
use super::{NO, WRONG, fail, ruleset, settings};
use crate::clock;
use crate::domain::kind::Media;
use crate::domain::secret::Secret;
use crate::providers::AddressPolicy;
use crate::providers::outbound::{Call, NoAnswer, Outbound};
use crate::settings::environment;
use crate::sources::{self, Source};
use crate::vault::Vault;

/// Send a body to a running gateway, signed as the source demands.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  tagrelay send website-bot rules/fixtures/es-pricing.json --sandbox\n  \
                  tagrelay send website-bot --sandbox")]
pub struct Args {
    /// The source's name.
    source: String,
    /// The file with the body; `-` for standard input [default: a body as senders of the source's kind write it].
    file: Option<PathBuf>,
    /// A header to send with it, as `X-GitHub-Event: issues`, or a proof that only somebody else can make; may be given several times.
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(String, String)>,
    /// Use the secret `sandbox` for each env:NAME that isn't set, as `serve --sandbox` does.
    #[arg(long)]
    sandbox: bool,
    #[command(flatten)]
    at: At,
    /// The directory with the rules [default: `TAGRELAY_RULES`, else rules].
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("expected a name, a colon and a value: `X-GitHub-Event: issues`")?;
    Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
}

/// How long the gateway may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends, and prints the answer.
pub fn run(args: &Args) -> ExitCode {
    send(args).unwrap_or_else(|status| status)
}

fn send(args: &Args) -> Result<ExitCode, ExitCode> {
    let settings = settings()?;
    let rules = args.rules.clone().unwrap_or_else(|| settings.rules.clone());
    let (catalog, _) = ruleset::clean(&rules)?;
    let config = ruleset::source(&catalog, &args.source, &rules)?;
    let vault = Vault::new(environment(), args.sandbox.then(|| Secret::new("sandbox")));
    let source = Source::open(config, &vault).map_err(|errors| {
        let list: Vec<String> = errors.iter().map(ToString::to_string).collect();
        fail(WRONG, &format!("source {}: {} (`--sandbox` uses the value `sandbox`)", args.source, list.join("; ")))
    })?;
    let sample = sources::code(config.kind).sample;
    let mut headers: Vec<_> = args.header.clone();
    let proves = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    if let Some(audience) = source.only_google_signs().filter(|_| !proves) {
        let help = format!(
            "source {} takes Google's identity tokens alone, which only Google can sign. Give it one: \
             --header \"Authorization: Bearer $(gcloud auth print-identity-token --include-email --audiences={audience} \
             --impersonate-service-account=..)\"",
            args.source
        );
        return Err(fail(WRONG, &help));
    }
    let body = if let Some(file) = &args.file {
        ruleset::body(file)?
    } else {
        let of_sample = sample.headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        headers.splice(0..0, of_sample);
        within(config.each.as_deref(), sample.body).into_bytes()
    };
    let Reach { base, tls } = args.at.reach(&settings)?;
    let url = format!("{}/hooks/{}", base.as_str().trim_end_matches('/'), args.source);
    // A signature over the address is over the one by which senders know the gateway.
    let known =
        settings.public_url.as_ref().map_or_else(|| url.clone(), |public| format!("{public}/hooks/{}", args.source));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| fail(NO, &error.to_string()))?;
    let (status, answer) = runtime
        .block_on(post(&source, &url, &known, &headers, body, tls))
        .map_err(|error| fail(NO, &format!("{url}: {error}; is the gateway running?")))?;
    say_line!("{answer}");
    if (200..300).contains(&status) {
        return Ok(ExitCode::SUCCESS);
    }
    Err(fail(NO, &format!("{url} answered {status}")))
}

/// The sample as the one item of the list in which the source looks for events.
fn within(each: Option<&[String]>, sample: &str) -> String {
    let Some(each) = each else { return sample.to_owned() };
    each.iter().rfold(format!("[{sample}]"), |inner, step| format!("{{{}:{inner}}}", serde_json::json!(step)))
}

async fn post(
    source: &Source,
    url: &str,
    known: &str,
    given: &[(String, String)],
    body: Vec<u8>,
    tls: Option<rustls::ClientConfig>,
) -> Result<(u16, String), String> {
    let now = clock::now();
    // An id that is given counts, and is signed where the scheme signs it.
    let id = source.given_id(given).unwrap_or_else(|| format!("send-{}", now.millis()));
    let proof = source.proof(now, known, &body, &id);
    let mut url = Url::parse(url).map_err(|error| error.to_string())?;
    if !proof.query.is_empty() {
        url.query_pairs_mut().extend_pairs(&proof.query);
    }
    let mut headers = HeaderMap::new();
    // What is given by hand has the last word, be it a proof or a wrong one to try.
    for (name, value) in proof.headers.iter().chain(given) {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
        headers.insert(name, HeaderValue::from_str(value).map_err(|error| error.to_string())?);
    }
    let taken = source.config().kind.traits().media;
    let looks = Some(Media::by_look(&body)).filter(|media| taken.contains(media));
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(looks.unwrap_or(Media::Json).name()));
    let body = String::from_utf8(body).map_err(|_| "the body is not UTF-8".to_owned())?;
    let client = Outbound::believing(PATIENCE, AddressPolicy::Any, tls).map_err(|error| error.to_string())?;
    match client.send(Call { method: Method::POST, url, headers, body: Some(body) }).await {
        Ok(answer) => Ok((answer.status, String::from_utf8_lossy(&answer.body).into_owned())),
        Err(NoAnswer::Refused(why)) => Err(why.to_string()),
        Err(NoAnswer::NotSent(why) | NoAnswer::InDoubt(why)) => Err(why),
        // Nobody counts this call.
        Err(NoAnswer::NotYet(until)) => Err(format!("not before {until}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_stands_where_the_source_looks_for_events() {
        let way = ["a b".to_owned(), "items".to_owned()];
        assert_eq!(within(Some(&way), r#"{"x":1}"#), r#"{"a b":{"items":[{"x":1}]}}"#);
        assert_eq!(within(Some(&[]), "{}"), "[{}]");
        assert_eq!(within(None, "{}"), "{}");
    }
}
