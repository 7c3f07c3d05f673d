//! `tagrelay connections test`: asks the real account of a connection what changes nothing.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::admin::table::Table;
use super::admin::whom::meant;
use super::out::say_line;
use super::{Format, NO, WRONG, fail, pretty, ruleset, sandboxed, settings, stop_signal};
use crate::conformance::dry::{self, State, Step, TAG, Tried, Wish};
use crate::conformance::table;
use crate::domain::connection::{ConnectionConfig, ProviderKind};
use crate::domain::contact::ContactRef;
use crate::domain::secret::Secret;
use crate::flow::ruleset::{NotOpened, Opener};
use crate::sandbox::Sandbox;
use crate::settings::environment;
use crate::vault::Vault;

/// Ask the account of a connection whether it lets us in, and show a contact; nothing is changed there unless --write is given.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  tagrelay connections test\n  tagrelay connections test crm --contact 1568834\n  tagrelay connections test shop --phone +573001234567 --write\n\nWithout a contact, somebody is looked up who isn't there. --write adds the tag `tagrelay-test` to the contact, looks, takes it away again and looks once more; it says what may be left where that fails. The calls aren't counted with those of a gateway that runs."
)]
pub struct Args {
    /// Only this connection; all of them without it.
    name: Option<String>,
    /// Look at this contact: an id, an e-mail address, +57.., or id:.., email:.., phone:.., field:name=value.
    #[arg(long, value_name = "CONTACT", group = "whom", requires = "name", value_parser = meant)]
    contact: Option<ContactRef>,
    /// Look at whoever has this e-mail address.
    #[arg(long, value_name = "ADDRESS", group = "whom", requires = "name")]
    email: Option<String>,
    /// Look at whoever has this phone number.
    #[arg(long, value_name = "NUMBER", group = "whom", requires = "name")]
    phone: Option<String>,
    /// Add the tag `tagrelay-test` to the contact and take it away again.
    #[arg(long, requires = "whom")]
    write: bool,
    /// Point the connections at a provider sandbox that is gone afterwards.
    #[arg(long)]
    sandbox: bool,
    /// The directory with the rules [default: `TAGRELAY_RULES`, else rules].
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// A connection and what trying it showed.
struct Report {
    config: ConnectionConfig,
    tried: Tried,
    /// What of the address may be shown: nothing of one that was refused, which may have a password in it.
    place: Option<String>,
}

/// Tests, and ends with 1 when a step failed.
pub fn run(args: &Args) -> ExitCode {
    test(args).unwrap_or_else(|status| status)
}

fn test(args: &Args) -> Result<ExitCode, ExitCode> {
    let settings = settings()?;
    let rules = args.rules.clone().unwrap_or_else(|| settings.rules.clone());
    let contact = whom(args)?;
    let (catalog, _) = ruleset::clean(&rules)?;
    let is_meant = |config: &&ConnectionConfig| args.name.as_ref().is_none_or(|name| config.name.as_str() == name);
    let meant: Vec<&ConnectionConfig> = catalog.connections().filter(is_meant).collect();
    if meant.is_empty() {
        let names: Vec<&str> = catalog.connections().map(|config| config.name.as_str()).collect();
        let asked = args.name.as_deref().map_or_else(|| "connection".to_owned(), |name| format!("connection {name:?}"));
        return Err(fail(
            WRONG,
            &format!("there is no {asked} in {}; there is: {}", rules.display(), names.join(", ")),
        ));
    }
    let sandbox = if args.sandbox {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| fail(NO, &format!("sandbox: {error}")))?;
        Some(sandboxed::start(listener)?)
    } else {
        None
    };
    let fallback = sandbox.as_ref().map(|_| Secret::new("sandbox"));
    let redirect = sandboxed::redirect(sandbox.as_ref().map(Sandbox::address), environment());
    let opener = Opener::new(Vault::new(environment(), fallback), redirect);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| fail(NO, &error.to_string()))?;
    let wish = Wish { contact, write: args.write };
    let mut reports = Vec::new();
    for config in meant {
        let tried = runtime.block_on(async {
            tokio::select! {
                tried = try_one(&opener, config, &wish) => Ok(tried),
                () = stop_signal() => Err(interrupted(&wish)),
            }
        });
        reports.push(tried?);
    }
    show(args, &reports);
    let failed = reports.iter().any(|report| report.tried.has_failed());
    Ok(if failed { ExitCode::from(NO) } else { ExitCode::SUCCESS })
}

fn whom(args: &Args) -> Result<Option<ContactRef>, ExitCode> {
    let wrong = |text: &str, what: &str| fail(WRONG, &format!("{text:?} is no {what}"));
    Ok(match (&args.contact, &args.email, &args.phone) {
        (Some(contact), ..) => Some(contact.clone()),
        (_, Some(text), _) => Some(ContactRef::email(text).ok_or_else(|| wrong(text, "e-mail address"))?),
        (.., Some(text)) => Some(ContactRef::phone(text).ok_or_else(|| wrong(text, "phone number"))?),
        (None, None, None) => None,
    })
}

async fn try_one(opener: &Opener, config: &ConnectionConfig, wish: &Wish) -> Report {
    match opener.connect(config) {
        Ok((config, provider)) => {
            let held_back = config.dry_run && wish.write;
            let wish = Wish { write: wish.write && !held_back, ..wish.clone() };
            let mut tried = dry::try_out(&provider, config.provider, &wish).await;
            if let Some(write) = tried.steps.iter_mut().find(|step| held_back && step.step == "write") {
                *write = Step::skipped("write", "the connection is on `dry_run`");
            }
            let place = (config.provider != ProviderKind::Webhook).then(|| config.base_url.clone());
            Report { config, tried, place }
        }
        Err(NotOpened(missing)) => {
            let mend = "give it what is missing; `--sandbox` needs none of it";
            let steps = vec![Step::failed("settings", missing.join("; "), mend)];
            Report { config: config.clone(), tried: Tried { steps, left: None }, place: None }
        }
    }
}

fn interrupted(wish: &Wish) -> ExitCode {
    let left = wish.contact.as_ref().filter(|_| wish.write);
    fail(
        NO,
        &left.map_or("interrupted".to_owned(), |contact| {
            format!("interrupted: the tag `{TAG}` may be left on {contact}")
        }),
    )
}

fn show(args: &Args, reports: &[Report]) {
    if matches!(args.format, Format::Json) {
        let list: Vec<Value> = reports.iter().map(as_json).collect();
        return say_line!("{}", pretty(&json!({ "connections": list })));
    }
    for (place, report) in reports.iter().enumerate() {
        if place > 0 {
            say_line!("");
        }
        as_text(report);
    }
}

fn as_json(Report { config, tried, .. }: &Report) -> Value {
    let can: Map<String, Value> =
        table(config.provider).into_iter().map(|(what, how)| (what.replace(' ', "_"), json!(how))).collect();
    json!({
        "name": config.name,
        "provider": config.provider.name(),
        "can": can,
        "rate_limit": config.rate_limit.to_string(),
        "steps": tried.steps,
        "left": tried.left,
    })
}

fn as_text(Report { config, tried, place }: &Report) {
    let place = place.as_ref().map(|place| format!(" at {place}")).unwrap_or_default();
    say_line!("{}: {}{place}, {}", config.name, config.provider.name(), config.rate_limit);
    for (what, how) in table(config.provider) {
        say_line!("  {what}: {how}");
    }
    let mut steps = Table::new(&["step", "state", "what"]);
    for step in &tried.steps {
        steps.row(vec![step.step.to_owned(), step.state.word().to_owned(), step.what.clone()]);
    }
    steps.print("nothing was tried");
    for step in tried.steps.iter().filter(|step| step.state == State::Failed) {
        if let Some(mend) = step.mend {
            say_line!("{}: {mend}", step.step);
        }
    }
    if let Some(left) = &tried.left {
        say_line!("{left}");
    }
}
