//! How PostgreSQL is reached: against real servers, a primary and a standby, over wires that break.

#[path = "support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;
use std::time::Duration;

use support::certificates::Certificates;
use support::gateway;
use support::postgres::{Postgres, USER, USER_PASSWORD};
use support::proxy::Proxy;
use tagrelay::store::postgres::{Address, ConnectError, Fault};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_postgres::Client;

fn address(url: &str) -> Address {
    Address::parse(url, None).unwrap_or_else(|fault| panic!("{url}: {fault}"))
}

async fn connect(url: &str) -> Result<Client, ConnectError> {
    address(url).connect(None).await
}

/// The one row's one column as text.
async fn ask(client: &Client, question: &str) -> String {
    let row = client.query_one(&format!("SELECT ({question})::text"), &[]).await.expect(question);
    row.get(0)
}

/// Why the last server that was tried isn't used, with the whole error.
async fn fault(url: &str) -> (Fault, String) {
    let error = connect(url).await.map(drop).expect_err(url);
    let words = error.to_string();
    assert!(!words.contains(USER_PASSWORD) && !format!("{error:?}").contains(USER_PASSWORD), "{words}");
    match error {
        ConnectError::Tried(mut tries) => (tries.pop().expect("one was tried").fault, words),
        other => panic!("{other}"),
    }
}

/// A port where nobody listens as long as the value lives.
struct Nobody(TcpSocket);

impl Nobody {
    fn new() -> Self {
        // Bound, so that nobody else gets the port, and not listening.
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(([127, 0, 0, 1], 0).into()).expect("a port");
        Self(socket)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().expect("bound").port()
    }
}

#[tokio::test]
async fn the_password_is_in_the_url_or_in_a_file_that_is_read_anew() {
    let postgres = Postgres::start();
    let client = connect(&postgres.url()).await.expect("the password of the URL");
    assert_eq!(ask(&client, "current_user").await, USER);
    assert_eq!(ask(&client, "current_setting('application_name')").await, "tagrelay");

    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("password");
    let url = format!("postgres://{USER}@127.0.0.1:{}/{USER}", postgres.port());
    let from_file = Address::parse(&url, Some(file.clone())).expect("an address");
    let missing = from_file.connect(None).await.map(drop).expect_err("no file");
    assert!(missing.to_string().starts_with(&format!("{}: the password can't be read", file.display())), "{missing}");
    for text in [USER_PASSWORD.to_owned(), format!("{USER_PASSWORD}\n"), format!("{USER_PASSWORD}\r\n")] {
        fs::write(&file, text).expect("written");
        drop(from_file.connect(None).await.expect("the password of the file"));
    }
    // Rotated: what was read once is refused, what stands there now is taken by the same address.
    postgres.sql("postgres", &format!("ALTER ROLE {USER} PASSWORD 'a second one'"));
    let old = from_file.connect(None).await.map(drop).expect_err("the old password");
    assert!(old.to_string().ends_with("it refuses the password of its user \"tagrelay\""), "{old}");
    assert!(!old.may_pass());
    fs::write(&file, "a second one\n").expect("written");
    drop(from_file.connect(None).await.expect("the new password"));
    fs::write(&file, "\n").expect("written");
    let empty = from_file.connect(None).await.map(drop).expect_err("no password");
    assert!(empty.to_string().ends_with("it should hold the password and is empty"), "{empty}");
}

#[tokio::test]
async fn why_there_is_no_connection_is_told_in_words() {
    let postgres = Postgres::start();
    let port = postgres.port();
    let server = format!("127.0.0.1:{port}");

    let (_, words) = fault(&format!("postgres://{USER}:wrong@{server}/{USER}")).await;
    assert_eq!(words, format!("{server}: it refuses the password of its user \"tagrelay\""));
    let (_, words) = fault(&format!("postgres://{USER}@{server}/{USER}")).await;
    assert!(words.starts_with(&format!("{server}: it asks for a password and none is set")), "{words}");
    let (_, words) = fault(&format!("{}s", postgres.url())).await;
    assert_eq!(
        words,
        format!("{server}: it has no database \"tagrelays\": make it with CREATE DATABASE, or name another")
    );
    let (_, words) = fault(&format!("{}?sslmode=require", postgres.url())).await;
    assert_eq!(words, format!("{server}: it speaks no TLS, and sslmode asks for it"));

    postgres.sql("postgres", "CREATE DATABASE closed");
    postgres.sql("postgres", "REVOKE CONNECT ON DATABASE closed FROM PUBLIC");
    let (refused, words) = fault(&format!("postgres://{USER}:{USER_PASSWORD}@{server}/closed")).await;
    assert!(matches!(refused, Fault::Refused(_)) && words.contains("permission denied for database"), "{words}");

    postgres.database("resting");
    postgres.sql("postgres", "ALTER DATABASE resting SET default_transaction_read_only = on");
    let (_, words) = fault(&format!("postgres://{USER}:{USER_PASSWORD}@{server}/resting")).await;
    assert_eq!(words, format!("{server}: it takes no writes (transaction_read_only is on)"));

    // The superuser's few connections stay; what others may have is used up.
    postgres.sql("postgres", &format!("ALTER ROLE {USER} CONNECTION LIMIT 1"));
    let held = connect(&postgres.url()).await.expect("the one connection");
    let (full, words) = fault(&postgres.url()).await;
    assert!(matches!(full, Fault::Full(_)) && words.contains("too many connections"), "{words}");
    drop(held);

    let nobody = Nobody::new();
    let error = connect(&format!("postgres://u@127.0.0.1:{0},127.0.0.1:{0}/d", nobody.port())).await.map(drop);
    let error = error.expect_err("nobody");
    let one = format!("127.0.0.1:{}: nobody listens there", nobody.port());
    assert_eq!(error.to_string(), format!("{one}; {one}"));
    assert!(error.may_pass());
    let (unknown, words) = fault("postgres://u@no-such-host.invalid/d").await;
    assert!(matches!(unknown, Fault::Unknown(_)), "{words}");
    assert!(words.starts_with("no-such-host.invalid:5432: its address can't be found"), "{words}");

    let stalled = Proxy::to(port);
    stalled.stall();
    let url = format!("postgres://{USER}:{USER_PASSWORD}@127.0.0.1:{}/{USER}?connect_timeout=1", stalled.port());
    let (silent, words) = fault(&url).await;
    assert_eq!(silent, Fault::Silent(Duration::from_secs(1)), "{words}");
    // Somebody who is no PostgreSQL.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let other = listener.local_addr().expect("bound");
    let hangs_up = tokio::spawn(async move { drop(listener.accept().await) });
    let (gone, words) = fault(&format!("postgres://u@{other}/d")).await;
    assert!(matches!(gone, Fault::Unreachable(_)), "{words}");
    hangs_up.await.expect("it ended");
}

#[tokio::test]
async fn of_several_servers_the_one_that_takes_writes_is_found_also_after_a_failover() {
    let mut primary = Postgres::start();
    let standby = primary.standby();
    let nobody = Nobody::new();
    let (dead, second, first) = (nobody.port(), standby.port(), primary.port());
    let hosts = format!("127.0.0.1:{dead},127.0.0.1:{second},127.0.0.1:{first}");
    let url = format!("postgres://{USER}:{USER_PASSWORD}@{hosts}/{USER}");
    for attributes in ["", "?target_session_attrs=read-write", "?target_session_attrs=any"] {
        let client = connect(&format!("{url}{attributes}")).await.expect("the primary");
        assert_eq!(ask(&client, "current_setting('port')").await, first.to_string(), "{attributes}");
    }
    let error = connect(&standby.url()).await.map(drop).expect_err("a standby");
    assert_eq!(error.to_string(), format!("127.0.0.1:{second}: it is a standby, which takes no writes"));
    assert!(error.may_pass());

    let client = connect(&url).await.expect("the primary");
    client.batch_execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)").await.expect("written");
    assert_eq!(
        primary.sql("postgres", "SELECT sync_state FROM pg_stat_replication"),
        "sync",
        "it waited for its standby"
    );
    primary.stop_hard();
    let error = connect(&url).await.map(drop).expect_err("no primary");
    let none = |port: u16| format!("127.0.0.1:{port}: nobody listens there");
    let waits = format!("127.0.0.1:{second}: it is a standby, which takes no writes");
    assert_eq!(error.to_string(), format!("{}; {waits}; {}", none(dead), none(first)));

    standby.promote();
    let client = connect(&url).await.expect("the promoted standby");
    assert_eq!(ask(&client, "current_setting('port')").await, second.to_string());
    assert_eq!(ask(&client, "SELECT n FROM kept").await, "7");
    client.batch_execute("INSERT INTO kept VALUES (8)").await.expect("it takes writes and waits for nobody");
}

#[tokio::test]
async fn what_was_committed_outlives_a_hard_stop() {
    let mut postgres = Postgres::start();
    let client = connect(&postgres.url()).await.expect("connected");
    client.batch_execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)").await.expect("written");
    postgres.stop_hard();
    postgres.restart();
    let client = connect(&postgres.url()).await.expect("connected again");
    assert_eq!(ask(&client, "SELECT n FROM kept").await, "7");
    postgres.restart();
    assert_eq!(postgres.sql(USER, "SELECT n FROM kept"), "7");
}

#[tokio::test]
async fn a_socket_is_reached_by_its_folder() {
    let postgres = Postgres::start();
    let folder = postgres.folder().display().to_string().replace('/', "%2F");
    for url in [
        format!("postgres://postgres@{folder}:{}/postgres", postgres.port()),
        // There is no TLS there, and none is needed.
        format!("postgres://postgres@/postgres?host={folder}&port={}&sslmode=require", postgres.port()),
    ] {
        let client = connect(&url).await.expect("connected");
        assert_eq!(ask(&client, "inet_client_addr() IS NULL").await, "true");
    }
    let (_, words) = fault(&format!("postgres://postgres@{folder}:1/postgres")).await;
    assert_eq!(words, format!("{}:1: nobody listens there", postgres.folder().display()));
}

#[tokio::test]
async fn notices_arrive_until_the_connection_ends() {
    let postgres = Postgres::start();
    let wire = Proxy::to(postgres.port());
    let url = postgres.url().replace(&postgres.port().to_string(), &wire.port().to_string());
    let (tell, mut told) = mpsc::unbounded_channel();
    let client = address(&url).connect(Some(tell)).await.expect("connected");
    client.batch_execute("LISTEN tagrelay").await.expect("heard");
    let soon = Duration::from_secs(20);

    postgres.sql(USER, "NOTIFY tagrelay, 'one'");
    assert_eq!(timeout(soon, told.recv()).await.expect("in time").as_deref(), Some("one"));
    wire.stall();
    postgres.sql(USER, "NOTIFY tagrelay, 'two'");
    assert!(timeout(Duration::from_millis(200), told.recv()).await.is_err(), "nothing gets through");
    wire.heal();
    assert_eq!(timeout(soon, told.recv()).await.expect("in time").as_deref(), Some("two"));
    // A session's own arrive too, and an empty one is one.
    client.batch_execute("NOTIFY tagrelay").await.expect("told");
    assert_eq!(timeout(soon, told.recv()).await.expect("in time").as_deref(), Some(""));

    wire.cut();
    assert_eq!(timeout(soon, told.recv()).await.expect("in time"), None, "the end is heard");
    assert!(client.batch_execute("SELECT 1").await.expect_err("it has ended").is_closed() && client.is_closed());
    let (fault, _) = fault(&url).await;
    assert_eq!(fault, Fault::Nobody);
    wire.heal();
    let (tell, mut told) = mpsc::unbounded_channel();
    let again = address(&url).connect(Some(tell)).await.expect("connected again");
    drop(again);
    assert_eq!(timeout(soon, told.recv()).await.expect("in time"), None, "it ends with its client");
}

async fn speaks_tls(url: &str) -> bool {
    let client = connect(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    ask(&client, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").await == "true"
}

#[tokio::test]
async fn tls_is_as_strict_as_sslmode_says() {
    let files = Certificates::new();
    files.make("ours", "authority", None);
    files.make("theirs", "authority", None);
    files.make("localhost", "localhost", Some("ours"));
    files.make("elsewhere", "elsewhere", Some("ours"));
    let postgres = Postgres::start();
    let url = |host: &str, parameters: &str| {
        format!("postgres://{USER}:{USER_PASSWORD}@{host}:{}/{USER}?{parameters}", postgres.port())
    };
    let full = |authority: &Path| format!("sslmode=verify-full&sslrootcert={}", authority.display());
    let ca = |authority: &Path| format!("sslmode=verify-ca&sslrootcert={}", authority.display());
    let require = |authority: &Path| format!("sslmode=require&sslrootcert={}", authority.display());
    let (ours, theirs) = (files.crt("ours"), files.crt("theirs"));

    assert!(!speaks_tls(&url("localhost", "sslmode=prefer")).await, "it has none yet");
    postgres.secure(&files.crt("localhost"), &files.key("localhost"));
    for parameters in [
        full(&ours),
        ca(&ours),
        require(&ours),
        "sslmode=require".to_owned(),
        "sslmode=prefer".to_owned(),
        String::new(),
        format!("{}&channel_binding=require", full(&ours)),
    ] {
        assert!(speaks_tls(&url("localhost", &parameters)).await, "{parameters}");
    }
    assert!(!speaks_tls(&url("localhost", "sslmode=disable")).await);

    let untrusted = "its certificate is not trusted: no authority that is believed (sslrootcert) has signed it";
    for parameters in [
        full(&theirs),
        ca(&theirs),
        require(&theirs),
        format!("sslmode=prefer&sslrootcert={}", theirs.display()),
        // The system believes many, and none of ours.
        "sslmode=verify-full".to_owned(),
        "sslrootcert=system".to_owned(),
        // A certificate that the same authority signed is no authority.
        full(&files.crt("elsewhere")),
    ] {
        let (_, words) = fault(&url("localhost", &parameters)).await;
        assert!(words.ends_with(untrusted), "{parameters}: {words}");
    }
    let name = "its certificate is not trusted: it is for another name; only its subject alternative names count";
    let (_, words) = fault(&url("127.0.0.1", &full(&ours))).await;
    assert!(words.ends_with(name), "{words}");
    assert!(speaks_tls(&url("127.0.0.1", &ca(&ours))).await, "verify-ca asks for no name");

    postgres.secure(&files.crt("elsewhere"), &files.key("elsewhere"));
    let (_, words) = fault(&url("localhost", &full(&ours))).await;
    assert!(words.ends_with(name), "{words}");
    assert!(speaks_tls(&url("localhost", &require(&ours))).await, "require asks for no name");

    // Files that hold something else are told before anybody is asked.
    for (parameters, file) in [(full(&files.folder().join("none")), "none"), (full(&files.key("ours")), "ours.key")] {
        let error = connect(&url("localhost", &parameters)).await.map(drop).expect_err(&parameters);
        assert!(matches!(&error, ConnectError::File { file: told, .. } if told.ends_with(file)), "{error}");
    }
}

/// As PostgreSQL's manual makes one: it signs itself and calls itself an authority.
#[tokio::test]
async fn a_certificate_that_signs_itself_is_believed_where_it_is_named() {
    let files = Certificates::new();
    files.make("itself", "authority", None);
    files.make("other", "authority", None);
    let postgres = Postgres::start();
    postgres.secure(&files.crt("itself"), &files.key("itself"));
    let url =
        |mode: &str, root: &str| format!("{}?sslmode={mode}&sslrootcert={}", postgres.url(), files.crt(root).display());
    assert!(speaks_tls(&url("verify-ca", "itself")).await);
    let (untrusted, words) = fault(&url("verify-ca", "other")).await;
    assert!(matches!(untrusted, Fault::Untrusted(_)), "{words}");
    let (untrusted, words) = fault(&url("verify-full", "itself")).await;
    assert!(matches!(untrusted, Fault::Untrusted(_)) && words.contains("another name"), "{words}");
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_gets_ours() {
    let files = Certificates::new();
    files.make("ours", "authority", None);
    files.make("localhost", "localhost", Some("ours"));
    files.make(USER, "client", Some("ours"));
    let postgres = Postgres::start();
    let root = postgres.give(&files.crt("ours"), "root.crt");
    postgres.set(&[("ssl_ca_file", &root.display().to_string())]);
    postgres.secure(&files.crt("localhost"), &files.key("localhost"));
    postgres.admit("hostssl all all all cert");
    let base = format!("postgres://{USER}@localhost:{}/{USER}?sslmode=verify-full", postgres.port());
    let base = format!("{base}&sslrootcert={}", files.crt("ours").display());
    let own = format!("{base}&sslcert={}&sslkey={}", files.crt(USER).display(), files.key(USER).display());
    assert!(speaks_tls(&own).await);
    let (refused, words) = fault(&base).await;
    assert!(matches!(refused, Fault::Refused(_)) && words.contains("client certificate"), "{words}");
    let mixed = format!("{base}&sslcert={}&sslkey={}", files.crt(USER).display(), files.key("ours").display());
    assert!(matches!(connect(&mixed).await.map(drop), Err(ConnectError::File { .. })), "another key");
}

#[test]
fn a_gateway_that_the_database_refuses_says_so_at_once_and_one_that_is_early_waits() {
    let mut postgres = Postgres::start();
    let began = std::time::Instant::now();
    let wrong = postgres.url().replace(USER_PASSWORD, "not-the-password");
    let refused = gateway::rules("  []").set("TAGRELAY_DATABASE_URL", &wrong).fail();
    assert!(refused.err.contains("it refuses the password of its user"), "{}", refused.err);
    assert!(!refused.err.contains("not-the-password") && began.elapsed() < Duration::from_secs(20), "{}", refused.err);

    postgres.stop();
    let setup = gateway::rules("  []").set("TAGRELAY_DATABASE_URL", &postgres.url());
    std::thread::scope(|scope| {
        let starting = scope.spawn(|| setup.start());
        std::thread::sleep(Duration::from_secs(1));
        postgres.restart();
        let gateway = starting.join().expect("it starts once the database is there");
        assert!(!gateway.log_of("it is waited for").is_empty());
    });
}
