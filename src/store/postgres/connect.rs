//! A connection to whichever of the servers takes writes.

use std::future::poll_fn;
use std::net::IpAddr;

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, SimpleQueryMessage, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{Address, Host, Password};
use super::fault::{ConnectError, Fault, Try, words};

type Line = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// A demoted primary answers everything else as if nothing had happened.
const WRITES: &str = "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('transaction_read_only')";

impl Address {
    /// Tries the servers in their order, each address of each, and gives the first that takes writes. What drives the
    /// connection runs on the current tokio runtime until the client is dropped or the connection ends. What `NOTIFY` tells
    /// goes to `notices`, which is dropped with the connection.
    pub async fn connect(&self, notices: Option<UnboundedSender<String>>) -> Result<Client, ConnectError> {
        // A few small files: reading them takes less than handing it to another thread.
        let config = self.with_password()?;
        let tls = self.tls.connector()?;
        let mut tries = Vec::new();
        for host in &self.hosts {
            let places = match self.places(host, &config).await {
                Ok(places) => places,
                Err(fault) => {
                    tries.push(Try { server: host.to_string(), fault });
                    continue;
                }
            };
            for (server, config) in places {
                let opened = timeout(self.patience, self.open(&config, tls.clone())).await;
                match opened.unwrap_or(Err(Fault::Silent(self.patience))) {
                    Ok((client, line)) => {
                        tokio::spawn(drive(line, notices));
                        return Ok(client);
                    }
                    Err(fault) => tries.push(Try { server, fault }),
                }
            }
        }
        Err(ConnectError::Tried(tries))
    }

    fn with_password(&self) -> Result<Config, ConnectError> {
        let mut config = self.config.clone();
        match &self.password {
            Password::None => {}
            Password::Known(secret) => drop(config.password(secret.expose())),
            Password::File(file) => {
                let unread = |why: String| ConnectError::File { file: file.clone(), why };
                let text = std::fs::read_to_string(file)
                    .map_err(|error| unread(format!("the password can't be read: {error}")))?;
                let line = text.strip_suffix('\n').unwrap_or(&text);
                let password = line.strip_suffix('\r').unwrap_or(line);
                if password.is_empty() {
                    return Err(unread("it should hold the password and is empty".to_owned()));
                }
                config.password(password);
            }
        }
        Ok(config)
    }

    /// Every address behind a host, with how each is connected to.
    async fn places(&self, host: &Host, config: &Config) -> Result<Vec<(String, Config)>, Fault> {
        let mut config = config.clone();
        match host {
            Host::Socket { folder, port } => {
                // Nobody listens in between: libpq has no TLS there either.
                config.host_path(folder).port(*port).ssl_mode(SslMode::Disable);
                Ok(vec![(host.to_string(), config)])
            }
            Host::Tcp { name, port } => {
                config.host(name).port(*port);
                let looked = timeout(self.patience, tokio::net::lookup_host((&**name, *port))).await;
                let found = looked.map_err(|_| Fault::Silent(self.patience))?;
                let mut addresses: Vec<IpAddr> = Vec::new();
                for found in found.map_err(|error| Fault::Unknown(error.to_string()))? {
                    if !addresses.contains(&found.ip()) {
                        addresses.push(found.ip());
                    }
                }
                let place = |address: IpAddr| {
                    let is_name = name.parse::<IpAddr>().is_err();
                    let server = if is_name { format!("{host} ({address})") } else { host.to_string() };
                    let mut config = config.clone();
                    config.hostaddr(address);
                    (server, config)
                };
                Ok(addresses.into_iter().map(place).collect())
            }
        }
    }

    async fn open(&self, config: &Config, tls: MakeRustlsConnect) -> Result<(Client, Line), Fault> {
        let fault = |error: &tokio_postgres::Error| Fault::of(error, &self.user, &self.database);
        let (client, mut line) = config.connect(tls).await.map_err(|error| fault(&error))?;
        let answer = tokio::select! {
            answer = client.simple_query(WRITES) => answer.map_err(|error| fault(&error))?,
            ended = &mut line => {
                ended.map_err(|error| fault(&error))?;
                return Err(Fault::Unreachable("it ended the connection".to_owned()));
            }
        };
        let row = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        match row.map(|row| (row.get(0), row.get(1))) {
            Some((Some("f"), Some("off"))) => Ok((client, line)),
            Some((Some("t"), _)) => Err(Fault::Standby),
            Some(_) => Err(Fault::ReadOnly),
            None => Err(Fault::Other("it doesn't say whether it takes writes".to_owned())),
        }
    }
}

async fn drive(mut line: Line, notices: Option<UnboundedSender<String>>) {
    loop {
        match poll_fn(|context| line.poll_message(context)).await {
            Some(Ok(AsyncMessage::Notification(told))) => {
                if let Some(notices) = &notices {
                    // Whoever listens no more still has the rest of the connection.
                    drop(notices.send(told.payload().to_owned()));
                }
            }
            Some(Ok(AsyncMessage::Notice(notice))) => tracing::debug!(message = notice.message(), "the database says"),
            Some(Ok(_)) => {}
            // Who waits for an answer on it is told by the client.
            Some(Err(error)) => {
                return tracing::debug!(error = words(&error), "a connection to the database broke");
            }
            None => return,
        }
    }
}
