//! `tagrelay serve`: the gateway.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use super::{NO, WRONG, fail, hangups, logging, ruleset, sandboxed, settings, stop_signal, token};
use crate::clock::{self, Clock};
use crate::domain::secret::Secret;
use crate::flow::again;
use crate::flow::gateway::Gateway;
use crate::flow::grounds::{Grounds, Looks};
use crate::flow::reload::Reloader;
use crate::flow::ruleset::{NotOpened, Opened, Opener};
use crate::flow::{standings, subscribers, timers};
use crate::http::tls::Files;
use crate::http::{self, Refusals, Shared, Tls, Tokens};
use crate::sandbox::Sandbox;
use crate::settings::{Settings, environment};
use crate::store::Database;
use crate::vault::Vault;

/// Run the gateway.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  tagrelay serve --sandbox\n\nWith --sandbox every connection is pointed at the built-in provider sandbox, and each unset env:NAME secret is `sandbox`."
)]
pub struct Args {
    /// Point every connection at the built-in provider sandbox.
    #[arg(long)]
    sandbox: bool,
    /// The same, with a sandbox that runs already: `tagrelay sandbox`, or another gateway's.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "sandbox", value_parser = crate::settings::address)]
    sandbox_at: Option<SocketAddr>,
    /// The directory with the rules [default: `TAGRELAY_RULES`, else rules].
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Start on an SQLite file that was carried over into PostgreSQL, and forget that it was.
    #[arg(long)]
    go_back: bool,
}

/// Calls to providers may take this long at the end; the whole stop stays under ten seconds.
const PATIENCE: Duration = Duration::from_secs(7);
/// What is tried out must never reach real accounts later: a timer that was set there, or what still waits. So it has a file of its
/// own, unless `TAGRELAY_DATABASE_URL` says where.
const SANDBOX_DATABASE: &str = "tagrelay-sandbox.db";
/// How often what is too old is removed.
const RETAIN_EVERY: Duration = Duration::from_hours(1);

/// Runs until SIGTERM or SIGINT; SIGHUP reads the rules again.
pub fn run(args: &Args) -> ExitCode {
    prepare(args).map_or_else(|status| status, Start::run)
}

/// Everything that can be wrong before the first request, done.
struct Start {
    settings: Settings,
    listener: TcpListener,
    rules: PathBuf,
    /// How the rule files looked before they were read.
    looks: Looks,
    opener: Opener,
    opened: Opened,
    tokens: Tokens,
    tls: Option<Tls>,
    sandbox: Option<Sandbox>,
    /// Where every connection goes, if it is to a sandbox.
    sandbox_at: Option<SocketAddr>,
}

fn prepare(args: &Args) -> Result<Start, ExitCode> {
    let mut settings = settings()?;
    let is_trial = args.sandbox || args.sandbox_at.is_some();
    if is_trial && settings.database_by_default {
        settings.database = Database::Sqlite(SANDBOX_DATABASE.into());
    }
    logging::start(&settings).map_err(|error| fail(WRONG, &error))?;
    let rules = args.rules.clone().unwrap_or_else(|| settings.rules.clone());
    let looks = Grounds::of(&rules).looks;
    let (catalog, _) = ruleset::clean(&rules)?;
    let files = settings.tls.clone().map(|(cert, key)| Files { cert, key });
    let tls = files.map(|files| Tls::open(files, clock::now())).transpose();
    let tls = tls.map_err(|error| fail(WRONG, &format!("TAGRELAY_TLS_CERT and TAGRELAY_TLS_KEY: {error}")))?;
    let listener = bind("TAGRELAY_LISTEN", settings.listen)?;
    let sandbox = if args.sandbox {
        Some(sandboxed::start(bind("TAGRELAY_SANDBOX_LISTEN", settings.sandbox_listen)?)?)
    } else {
        None
    };
    let fallback = is_trial.then(|| Secret::new("sandbox"));
    let environment = environment();
    let there = args.sandbox_at.or(sandbox.as_ref().map(Sandbox::address));
    let redirect = sandboxed::redirect(there, environment.clone());
    let opener = Opener::new(Vault::new(environment, fallback), redirect);
    let opened = opener.open(catalog, &[]).map_err(|error| fail(WRONG, &missing(&error)))?;
    if args.go_back {
        went_back(&settings.database)?;
    }
    let admin = token::obtain(&settings).map_err(|error| fail(NO, &error))?;
    let tokens = Tokens { admin, viewer: settings.viewer_token.clone() };
    Ok(Start { settings, listener, rules, looks, opener, opened, tokens, tls, sandbox, sandbox_at: there })
}

fn went_back(database: &Database) -> Result<(), ExitCode> {
    match database.go_back() {
        Ok(true) => {
            tracing::warn!(%database, "a gateway runs again on a file that was carried over; none may run on what it was carried into");
        }
        Ok(false) => tracing::info!(%database, "it was not carried over: --go-back is needed no more"),
        Err(error) => return Err(fail(NO, &format!("{database}: {error}"))),
    }
    Ok(())
}

fn bind(name: &str, address: SocketAddr) -> Result<TcpListener, ExitCode> {
    TcpListener::bind(address).map_err(|error| fail(NO, &format!("{name} {address}: {error}")))
}

fn missing(error: &NotOpened) -> String {
    format!("the gateway can't start\n{error}\n`--sandbox` starts without them, against the built-in provider sandbox")
}

impl Start {
    fn run(self) -> ExitCode {
        // The deliveries run on this thread, the intake on the server's own.
        match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(self.serve()),
            Err(error) => fail(NO, &error.to_string()),
        }
    }

    async fn serve(self) -> ExitCode {
        let settings = self.settings;
        let address = self.listener.local_addr().unwrap_or(settings.listen);
        let name = format!("{address}, process {}", std::process::id());
        let trial = self.sandbox_at.is_some();
        let gateway = Gateway::start(self.opened, &settings.database, settings.retention, name, trial).await;
        let gateway = match gateway {
            Ok(gateway) => gateway,
            Err(error) => return fail(NO, &format!("{}: {error}", settings.database)),
        };
        let shared = Shared {
            gateway: Arc::clone(&gateway),
            tokens: self.tokens,
            refusals: Refusals::default(),
            max_body_bytes: settings.max_body_bytes,
            public_url: settings.public_url.clone(),
            trusted_proxies: settings.trusted_proxies.clone(),
            tls: self.tls,
        };
        let server = match http::serve(self.listener, shared) {
            Ok(server) => server,
            Err(error) => return fail(NO, &format!("TAGRELAY_LISTEN {address}: {error}")),
        };
        announce(&gateway, &settings, address, self.sandbox_at);
        let retaining = tokio::spawn(retain(Arc::clone(&gateway)));
        let timing = tokio::spawn(timers::run(Arc::clone(&gateway), Clock::system()));
        let repeating = tokio::spawn(again::run(Arc::clone(&gateway)));
        let standing = tokio::spawn(standings::leave(Arc::clone(&gateway)));
        let allow_private = settings.subscribers_allow_private;
        let telling = tokio::spawn(subscribers::run(Arc::clone(&gateway), Clock::system(), allow_private));
        let reloader = Reloader::new(Arc::clone(&gateway), Arc::new(self.opener), self.rules, self.looks);
        let asking = tokio::spawn(hangups(reloader.asked()));
        let reloading = tokio::spawn(reloader.run());
        stop_signal().await;
        tracing::info!("stopping: no new requests, what is in flight is finished");
        for task in [retaining, timing, repeating, standing, telling, asking, reloading] {
            task.abort();
        }
        // At once: both may take their time, and the whole stop must stay short.
        tokio::join!(server.stop(), gateway.deliveries.stop(PATIENCE));
        gateway.store.stop();
        if let Some(sandbox) = self.sandbox {
            sandbox.stop().await;
        }
        tracing::info!("stopped");
        ExitCode::SUCCESS
    }
}

fn announce(gateway: &Gateway, settings: &Settings, address: SocketAddr, sandbox: Option<SocketAddr>) {
    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    let base = settings.public_url.clone().unwrap_or_else(|| format!("{scheme}://{address}"));
    let set = gateway.rules();
    tracing::info!(%address, rules = set.catalog.rule_count(), rule_set = set.catalog.hash(),
        database = %settings.database, "tagrelay {} is ready", env!("CARGO_PKG_VERSION"));
    for source in set.catalog.sources() {
        tracing::info!(source = %source.name, kind = source.kind.name(), "POST {base}/hooks/{}", source.name);
    }
    if let Some(sandbox) = sandbox {
        tracing::info!(address = %sandbox, "every connection goes to the sandbox; see http://{sandbox}/_sandbox/");
    }
    if settings.admin_token.is_none() {
        tracing::info!(file = %token::path(settings).display(), "the API's token is in this file");
    }
}

async fn retain(gateway: Arc<Gateway>) {
    loop {
        if let Err(error) = gateway.store.retain().await {
            tracing::error!(%error, "what is too old could not be removed");
        }
        tokio::time::sleep(RETAIN_EVERY).await;
    }
}
