//! The way to a running gateway's API.

use std::process::ExitCode;
use std::time::Duration;

use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::out::say_line;
use super::super::reach::{At, Reach};
use super::super::{Format, NO, WRONG, fail, pretty, settings, stop_signal, token};
use crate::domain::secret::Secret;
use crate::providers::outbound::install_tls_provider;

/// Where the gateway is, and how its answer is shown.
#[derive(clap::Args)]
pub struct To {
    #[command(flatten)]
    at: At,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl To {
    /// The gateway at this address, else the one that the settings describe.
    pub fn at(url: Option<String>) -> Self {
        Self { at: At::url(url), format: Format::Text }
    }

    /// Whether a script reads the answer.
    pub fn is_json(&self) -> bool {
        matches!(self.format, Format::Json)
    }
}

/// How long the gateway may take to begin an answer; a replay of many events takes its time.
const PATIENCE: Duration = Duration::from_mins(10);
/// How long until nobody is there.
const CONNECT: Duration = Duration::from_secs(5);
/// Items in one call of a list.
const PAGE: usize = 500;

/// Takes a piece of an answer; the answer's whole length is told where it is known.
pub type Taker<'t> = dyn FnMut(&[u8], Option<u64>) -> Result<(), ExitCode> + 't;

/// A client of one gateway.
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: Secret,
    runtime: tokio::runtime::Runtime,
    format: Format,
}

impl Client {
    /// The client that the options and the environment describe.
    pub fn new(to: &To) -> Result<Self, ExitCode> {
        let settings = settings()?;
        let Reach { base, tls } = to.at.reach(&settings)?;
        let token = token::kept(&settings).map_err(|error| fail(WRONG, &error))?;
        install_tls_provider();
        let http = match tls {
            Some(tls) => reqwest::Client::builder().tls_backend_preconfigured(tls),
            None => reqwest::Client::builder(),
        };
        let http = http.redirect(reqwest::redirect::Policy::none()).no_proxy();
        let http = http.connect_timeout(CONNECT).read_timeout(PATIENCE).build();
        let http = http.map_err(|error| fail(NO, &error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| fail(NO, &error.to_string()))?;
        Ok(Self { http, base, token, runtime, format: to.format })
    }

    /// Whether a script reads the answer: then it is written as it came.
    pub fn is_for_scripts(&self, answer: &Value) -> bool {
        let json = matches!(self.format, Format::Json);
        if json {
            say_line!("{}", pretty(answer));
        }
        json
    }

    /// Looks something up; the parts of the path are escaped.
    pub fn get(&self, path: &[&str], query: &[(&str, Option<&str>)]) -> Result<Value, ExitCode> {
        self.ask(Method::GET, path, query, None)
    }

    /// Looks up something of a known form, in which numbers keep their digits.
    pub fn read<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, Option<&str>)]) -> Result<T, ExitCode> {
        self.runtime.block_on(async {
            let (status, text) = self.said(self.request(Method::GET, path, query, None)).await?;
            if !(200..300).contains(&status) {
                return Err(self.refused(status, &serde_json::from_str(&text).unwrap_or_default()));
            }
            let strange =
                |error| fail(NO, &format!("{}: the answer isn't what this version expects: {error}", self.base));
            serde_json::from_str(&text).map_err(strange)
        })
    }

    /// Does something.
    pub fn post(&self, path: &[&str], body: &Value) -> Result<Value, ExitCode> {
        self.ask(Method::POST, path, &[], Some(body))
    }

    /// Takes something out.
    pub fn delete(&self, path: &[&str]) -> Result<Value, ExitCode> {
        self.ask(Method::DELETE, path, &[], None)
    }

    /// A list of at most `limit` items, however many pages that takes.
    pub fn list(&self, path: &[&str], query: &[(&str, Option<&str>)], limit: usize) -> Result<Value, ExitCode> {
        let mut items: Vec<Value> = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let left = (limit - items.len()).clamp(1, PAGE).to_string();
            let mut query = query.to_vec();
            query.extend([("limit", Some(left.as_str())), ("cursor", cursor.as_deref())]);
            let page = self.get(path, &query)?;
            items.extend(super::items(&page, "items").iter().cloned());
            cursor = page.get("next").and_then(Value::as_str).map(ToOwned::to_owned);
            if cursor.is_none() || items.len() >= limit {
                return Ok(json!({ "items": items, "next": cursor }));
            }
        }
    }

    /// Hands over an answer piece by piece, with how long it is in all where that is told.
    pub fn download(&self, path: &[&str], take: &mut Taker<'_>) -> Result<(), ExitCode> {
        let request = self.request(Method::POST, path, &[], None);
        self.runtime.block_on(async {
            let mut response = request.send().await.map_err(|error| self.nobody(&error))?;
            let status = response.status();
            if !status.is_success() {
                let text = response.text().await.unwrap_or_default();
                return Err(self.refused(status.as_u16(), &serde_json::from_str(&text).unwrap_or_default()));
            }
            let whole = response.content_length();
            while let Some(piece) = response.chunk().await.map_err(|error| self.nobody(&error))? {
                take(&piece, whole)?;
            }
            Ok(())
        })
    }

    /// The same, where somebody who loses patience is told of what was done so far: `None` after SIGINT or SIGTERM.
    pub fn post_unless_stopped(&self, path: &[&str], body: &Value) -> Result<Option<Value>, ExitCode> {
        let request = self.request(Method::POST, path, &[], Some(body));
        self.runtime.block_on(async {
            tokio::select! {
                answer = self.answer(request) => answer.map(Some),
                () = stop_signal() => Ok(None),
            }
        })
    }

    /// Waits so long; `None` after SIGINT or SIGTERM.
    pub fn wait_unless_stopped(&self, time: Duration) -> Option<()> {
        self.runtime.block_on(async {
            tokio::select! {
                () = tokio::time::sleep(time) => Some(()),
                () = stop_signal() => None,
            }
        })
    }

    fn ask(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, Option<&str>)],
        body: Option<&Value>,
    ) -> Result<Value, ExitCode> {
        self.runtime.block_on(self.answer(self.request(method, path, query, body)))
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value, ExitCode> {
        let (status, text) = self.said(request).await?;
        let answer: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if (200..300).contains(&status) { Ok(answer) } else { Err(self.refused(status, &answer)) }
    }

    /// The answer's status and text.
    async fn said(&self, request: reqwest::RequestBuilder) -> Result<(u16, String), ExitCode> {
        let response = request.send().await.map_err(|error| self.nobody(&error))?;
        let status = response.status().as_u16();
        Ok((status, response.text().await.map_err(|error| self.nobody(&error))?))
    }

    fn request(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, Option<&str>)],
        body: Option<&Value>,
    ) -> reqwest::RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        for (name, value) in query {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        let request = self.http.request(method, url).bearer_auth(self.token.expose());
        match body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        }
    }

    fn nobody(&self, error: &reqwest::Error) -> ExitCode {
        // The innermost cause says what happened; the outer ones name the address, which is told anyway.
        let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
        let why = causes.last().map_or_else(String::new, ToString::to_string);
        let hint =
            if why.contains("certificate") { "`--cacert FILE` says whose are believed" } else { "is it running?" };
        fail(NO, &format!("no gateway answers at {}: {why}; {hint}", self.base))
    }

    /// A call that was wrong is status 2; an answer that is no is 1.
    fn refused(&self, status: u16, problem: &Value) -> ExitCode {
        let detail = problem.get("detail").and_then(Value::as_str).unwrap_or("the answer is not a gateway's");
        match status {
            401 => fail(
                WRONG,
                &format!(
                    "{} doesn't know this token: set TAGRELAY_ADMIN_TOKEN, or run this where the token file is",
                    self.base
                ),
            ),
            // Whoever gave options wrote no body.
            400 | 403 => fail(WRONG, detail.strip_prefix("body: ").unwrap_or(detail)),
            _ => fail(NO, &format!("{detail} ({status})")),
        }
    }
}
