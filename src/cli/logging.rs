//! Where logs go: stderr, pretty on a terminal, else one JSON object a line.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::settings::{LogFormat, Settings};

/// Starts logging; a filter that can't be read is told.
pub fn start(settings: &Settings) -> Result<(), String> {
    // The server's own notices say nothing that ours don't; whoever wants them names `actix` in the filter.
    let quiet = if settings.log.contains("actix") { "" } else { ",actix_server=warn,actix_http=off" };
    let filter =
        EnvFilter::try_new(format!("{}{quiet}", settings.log)).map_err(|error| format!("TAGRELAY_LOG: {error}"))?;
    let terminal = std::io::stderr().is_terminal();
    let format = settings.log_format.unwrap_or(if terminal { LogFormat::Pretty } else { LogFormat::Json });
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    match format {
        LogFormat::Json => logs.json().flatten_event(true).with_current_span(false).init(),
        LogFormat::Pretty => {
            let colour = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
            logs.with_ansi(colour).init();
        }
    }
    Ok(())
}
