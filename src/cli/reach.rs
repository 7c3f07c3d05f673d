//! The way to a running gateway: where it is, and whose certificate proves that it is the one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use reqwest::Url;
use rustls::ClientConfig;

use super::{WRONG, fail};
use crate::settings::Settings;
use crate::trust::{self, Trusted};

/// Where the gateway is.
#[derive(clap::Args)]
pub struct At {
    /// Where the gateway is [default: from `TAGRELAY_LISTEN`].
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// For https: believe the certificates of this PEM file, not those that the system believes.
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
}

/// The way there.
pub struct Reach {
    /// Its address.
    pub base: Url,
    /// `None`: what the system believes.
    pub tls: Option<ClientConfig>,
}

impl At {
    /// The gateway at this address, else the one that the settings describe.
    pub fn url(url: Option<String>) -> Self {
        Self { url, cacert: None }
    }

    /// The way that the options and the settings describe.
    pub fn reach(&self, settings: &Settings) -> Result<Reach, ExitCode> {
        let base = self.url.clone().unwrap_or_else(|| settings.own_url());
        let wrong = |error: &dyn std::fmt::Display| fail(WRONG, &format!("--url {base}: {error}"));
        let url = Url::parse(&base).map_err(|error| wrong(&error))?;
        match (url.scheme(), &self.cacert) {
            ("https", _) | ("http", None) => {}
            ("http", Some(_)) => {
                return Err(fail(WRONG, &format!("--cacert is for https://, and the gateway is at {base}")));
            }
            _ => return Err(wrong(&"expected an address that starts with http:// or https://")),
        }
        let unusable = |file: &Path, why: &str| fail(WRONG, &format!("{}: {why}", file.display()));
        let trusted = match (&self.cacert, &settings.tls) {
            (Some(file), _) => {
                Trusted::of_file(file).map(|trusted| Some((trusted, true))).map_err(|why| unusable(file, &why))?
            }
            // The gateway of this machine is asked by an address that no certificate names. So it is known by its very certificate,
            // also by one that has ended: then there is most to be asked.
            (None, Some((file, _))) if self.url.is_none() || is_loopback(&url) => {
                Trusted::very_one(file).map(|trusted| Some((trusted, false))).map_err(|why| unusable(file, &why))?
            }
            _ => None,
        };
        let client = |(trusted, checks_name)| {
            let config = trust::client(Some(trusted), checks_name).map_err(|error| fail(WRONG, &error.to_string()))?;
            Ok::<_, ExitCode>(config.with_no_client_auth())
        };
        let tls = trusted.filter(|_| url.scheme() == "https").map(client);
        Ok(Reach { base: url, tls: tls.transpose()? })
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
