use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::config::{ChannelBinding, SslMode};

use super::*;

fn read(url: &str) -> Address {
    Address::parse(url, None).unwrap_or_else(|fault| panic!("{url}: {fault}"))
}

#[test]
fn urls_are_read_as_libpq_reads_them() {
    for (url, shown) in [
        ("postgres://u@h/d", "postgres://u@h:5432/d"),
        ("postgresql://u:p@h:6000/d", "postgres://u@h:6000/d"),
        ("postgres://u@h", "postgres://u@h:5432/u"),
        ("postgres://u@a:1,b,c:3/d", "postgres://u@a:1,b:5432,c:3/d"),
        ("postgres://u@a,b/d?port=7", "postgres://u@a:7,b:7/d"),
        ("postgres://u@a,b/d?port=7,8", "postgres://u@a:7,b:8/d"),
        ("postgres://u@[::1]:9,[fe80::2]/d", "postgres://u@[::1]:9,[fe80::2]:5432/d"),
        ("postgres://u%40x@h/d%2Fe", "postgres://u@x@h:5432/d/e"),
        ("postgres:///d?host=h&user=u&password=p", "postgres://u@h:5432/d"),
        ("postgres://u@/d?host=/run/pg", "postgres://u@/run/pg:5432/d"),
        ("postgres://u@%2Frun%2Fpg:8/d", "postgres://u@/run/pg:8/d"),
        ("postgres://u@h/?dbname=d", "postgres://u@h:5432/d"),
        ("postgres://u@h/d?gssencmode=disable&load_balance_hosts=disable", "postgres://u@h:5432/d"),
    ] {
        assert_eq!(read(url).to_string(), shown, "{url}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_mend() {
    for (url, told) in [
        ("http://u@h/d", "expected postgres://USER@HOST/DATABASE"),
        ("postgres://h/d", "names no user"),
        ("postgres://u@/d", "names no host"),
        ("postgres://u@a,,b/d", "names no host"),
        ("postgres://u@h:0/d", "a port is not a number from 1 to 65535"),
        ("postgres://u@h:65536/d", "a port is not a number from 1 to 65535"),
        ("postgres://u@a,b,c/d?port=1,2", "3 hosts and 2 ports"),
        ("postgres://u@[::1/d", "no closing ]"),
        ("postgres://u@h/d?port=1&port=2", "port is given twice"),
        ("postgres://u@h:1/d?port=2", "port is given twice"),
        ("postgres://u@h/d?sslmode", "parameter 1 has no ="),
        ("postgres://u@h/d?sslmod=x", "parameter 1 is unknown: did you mean sslmode?"),
        ("postgres://u@h/d?sslmode=require&conect_timeout=1", "parameter 2 is unknown: did you mean connect_timeout?"),
        ("postgres://u@h/d?keepalives_retries=1", "parameter 1 is unknown"),
        ("postgres://u@h/d?colour=red", "there are host, port,"),
        ("postgres://u@h/d?passfile=x", "passfile is not supported; name a file"),
        ("postgres://u@h/d?ssl=true", "ssl is not supported; write sslmode=require"),
        ("postgres://u@h/d?sslmode=allow", "sslmode: expected disable, prefer, require, verify-ca or verify-full"),
        ("postgres://u@h/d?sslmode=verify-ca", "needs sslrootcert=FILE"),
        ("postgres://u@h/d?sslmode=require&sslrootcert=system", "needs sslmode=verify-full"),
        ("postgres://u@h/d?sslcert=x", "sslcert and sslkey go together"),
        ("postgres://u@h/d?sslnegotiation=direct", "sslnegotiation is not supported as it is: expected postgres"),
        ("postgres://u@h/d?channel_binding=require", "channel_binding=require needs TLS"),
        ("postgres://u@h/d?channel_binding=always", "expected prefer or disable or require"),
        ("postgres://u@h/d?connect_timeout=0", "connect_timeout: expected a whole number of seconds from 1 to 300"),
        ("postgres://u@h/d?connect_timeout=1s", "connect_timeout: expected a whole number of seconds"),
        ("postgres://u@h/d?keepalives=2", "expected 1 or 0"),
        (
            "postgres://u@a,b/d?target_session_attrs=read-only",
            "expected read-write or any or primary; the gateway writes",
        ),
        ("postgres://u@a,b/d?target_session_attrs=prefer-standby", "the gateway writes"),
        ("postgres://u@a,b/d?load_balance_hosts=random", "expected disable"),
        ("postgres://u@h/%zz", "dbname: a % stands before"),
        ("postgres://u@h/%00", "dbname: a % stands before"),
        ("postgres://u@h/%+1", "dbname: a % stands before"),
        ("postgres://u@h/%ff", "dbname: what its % codes stand for is not UTF-8"),
        ("postgres://u@h/%e", "dbname: a % stands before"),
        ("postgres://u@h/%€", "dbname: a % stands before"),
    ] {
        let fault = Address::parse(url, None).expect_err(url);
        assert!(fault.contains(told), "{url}: {fault}");
    }
}

/// Whoever writes a password as it is, with letters that mean something in a URL, finds no part of it in the log.
#[test]
fn a_password_that_was_not_encoded_is_not_shown() {
    for password in ["xq@zj", "xq/zj", "xq?zj", "xq?zj=x", "xq%zj", "xq#zj", "1/xq@zj", "xq?sslmode=zj"] {
        let url = format!("postgres://u:{password}@h/d");
        match Address::parse(&url, None) {
            // `#` means nothing to libpq.
            Ok(address) => assert!(!format!("{address} {address:?}").contains("zj"), "{password}: {address:?}"),
            Err(fault) => {
                assert!(!fault.contains("xq") && !fault.contains("zj"), "{password}: {fault}");
                assert!(fault.contains("%25") || fault.contains("%40"), "{password}: {fault}");
            }
        }
    }
}

#[test]
fn the_password_is_shown_nowhere() {
    let shown = |address: &Address| format!("{address} {address:?} {:?}", Some(address));
    for url in ["postgres://u:hunter2@h/d", "postgres://u@h/d?password=hunter2", "postgres://u:hun%74er2@h/d"] {
        let address = read(url);
        assert!(matches!(&address.password, Password::Known(secret) if secret.expose() == "hunter2"), "{url}");
        assert!(!shown(&address).contains("hunter2"), "{}", shown(&address));
        let both = Address::parse(url, Some(PathBuf::from("/p"))).expect_err(url);
        assert!(both.contains("take one away") && !both.contains("hunter2"), "{both}");
    }
    let file = Address::parse("postgres://u:@h/d", Some(PathBuf::from("/p"))).expect("no password in it");
    assert!(matches!(&file.password, Password::File(path) if path == "/p"));
    assert!(matches!(read("postgres://u@h/d").password, Password::None));
}

#[test]
fn what_the_url_says_of_the_connection_reaches_the_driver() {
    let plain = read("postgres://u@h/d");
    assert_eq!(plain.patience, Duration::from_secs(5));
    assert_eq!(plain.config.get_application_name(), Some("tagrelay"));
    assert_eq!(plain.config.get_tcp_user_timeout(), Some(&Duration::from_secs(10)));
    assert_eq!(plain.config.get_keepalives_idle(), Duration::from_secs(10));
    assert_eq!((plain.config.get_user(), plain.config.get_dbname()), (Some("u"), Some("d")));
    assert_eq!(plain.config.get_ssl_mode(), SslMode::Prefer);
    assert!(plain.config.get_keepalives());

    let told = read(
        "postgres://u@h/d?connect_timeout=2&application_name=shop&options=-c%20work_mem%3D8MB&keepalives=0&keepalives_idle=7\
         &keepalives_interval=6&keepalives_count=5&tcp_user_timeout=1500&sslmode=require&channel_binding=require",
    );
    assert_eq!(told.patience, Duration::from_secs(2));
    assert_eq!(told.config.get_application_name(), Some("shop"));
    assert_eq!(told.config.get_options(), Some("-c work_mem=8MB"));
    assert_eq!(told.config.get_tcp_user_timeout(), Some(&Duration::from_millis(1500)));
    assert_eq!(told.config.get_keepalives_idle(), Duration::from_secs(7));
    assert_eq!(told.config.get_keepalives_interval(), Some(Duration::from_secs(6)));
    assert_eq!(told.config.get_keepalives_retries(), Some(5));
    assert_eq!(told.config.get_channel_binding(), ChannelBinding::Require);
    assert!(!told.config.get_keepalives());
}

#[test]
fn the_driver_is_told_what_it_knows_of_an_sslmode() {
    for (parameters, asked) in [
        ("", SslMode::Prefer),
        ("?sslmode=disable", SslMode::Disable),
        ("?sslmode=prefer", SslMode::Prefer),
        ("?sslmode=require", SslMode::Require),
        ("?sslmode=require&sslrootcert=/ca", SslMode::Require),
        ("?sslmode=verify-ca&sslrootcert=/ca", SslMode::Require),
        ("?sslmode=verify-full", SslMode::Require),
        ("?sslrootcert=system", SslMode::Require),
    ] {
        assert_eq!(read(&format!("postgres://u@h/d{parameters}")).config.get_ssl_mode(), asked, "{parameters}");
    }
}
