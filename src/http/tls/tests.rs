//! What is told of each way in which two files can be wrong. The certificates are made by `openssl`.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::*;

/// A folder in which `openssl` works.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let this = Self(TempDir::new().expect("a folder"));
        std::fs::write(this.at("config"), "[req]\ndistinguished_name=name\n[name]\n").expect("written");
        for (name, days) in [("a", "20"), ("b", "1")] {
            this.openssl(&format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -config config -days {days} -subj /CN={name} -out {name}.crt -keyout {name}.key"
            ));
        }
        this
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, words: &str) {
        let made = Command::new("openssl").args(words.split(' ')).current_dir(self.0.path()).output();
        let made = made.expect("openssl is installed");
        assert!(made.status.success(), "{words}: {}", String::from_utf8_lossy(&made.stderr));
    }

    fn join(&self, name: &str, of: &[&str]) {
        let text: String = of.iter().map(|name| std::fs::read_to_string(self.at(name)).expect(name)).collect();
        std::fs::write(self.at(name), text).expect("written");
    }

    fn read(&self, cert: &str, key: &str, now: Timestamp) -> Result<Pair, String> {
        let told = |error: BadPair| error.to_string().replace(&format!("{}/", self.0.path().display()), "");
        Files { cert: self.at(cert), key: self.at(key) }.read(now).map_err(told)
    }
}

#[test]
fn each_fault_of_two_files_is_told_with_its_mend() {
    let folder = Folder::new();
    folder.join("both.pem", &["a.key", "a.crt"]);
    folder.join("wrong-order.crt", &["b.crt", "a.crt"]);
    folder.openssl("pkey -in a.key -aes256 -passout pass:x -out encrypted.key");
    folder.openssl("ec -in a.key -aes256 -passout pass:x -out encrypted-too.key");
    folder.openssl("pkey -in a.key -pubout -out public.key");
    folder.openssl("x509 -in a.crt -outform der -out der.crt");
    std::fs::write(folder.at("empty"), "").expect("written");
    let text = std::fs::read_to_string(folder.at("a.crt")).expect("read");
    std::fs::write(folder.at("cut.crt"), text.lines().take(4).collect::<Vec<_>>().join("\n")).expect("written");
    let now = crate::clock::now();
    for (cert, key) in [("a.crt", "a.key"), ("both.pem", "both.pem"), ("b.crt", "b.key")] {
        assert!(folder.read(cert, key, now).is_ok(), "{cert} {key}");
    }
    for (cert, key, told) in [
        ("a.crt", "b.key", "b.key: this key doesn't belong to the certificate in a.crt"),
        (
            "a.key",
            "a.crt",
            "a.key: there is no certificate in it, but a key: are TAGRELAY_TLS_CERT and TAGRELAY_TLS_KEY exchanged?",
        ),
        ("a.crt", "b.crt", "b.crt: there is no private key in it, but a certificate: are"),
        ("a.crt", "public.key", "public.key: there is no private key in it"),
        (
            "wrong-order.crt",
            "a.key",
            "wrong-order.crt: the key belongs to certificate 2; the server's own must be first",
        ),
        ("a.crt", "encrypted.key", "encrypted.key: the key is encrypted, and nobody is there"),
        ("a.crt", "encrypted-too.key", "encrypted-too.key: the key is encrypted"),
        ("der.crt", "a.key", "der.crt: this is not PEM, which has lines such as -----BEGIN CERTIFICATE-----"),
        ("empty", "a.key", "empty: this is not PEM"),
        ("cut.crt", "a.key", "cut.crt: its PEM is damaged: "),
        ("none", "a.key", "none: No such file or directory (os error 2); it must be readable"),
    ] {
        let error = folder.read(cert, key, now).err().unwrap_or_else(|| panic!("{cert} {key}: taken"));
        assert!(error.starts_with(told), "{cert} {key}: {error}");
    }
}

#[test]
fn what_senders_will_refuse_is_told_and_used_all_the_same() {
    let folder = Folder::new();
    folder.join("strangers.crt", &["a.crt", "b.crt"]);
    let now = crate::clock::now();
    let at = |days: i64| Timestamp(now.millis() + days * 24 * 3_600_000);
    let warnings = |cert: &str, now| folder.read(cert, "a.key", now).map(|pair| pair.warnings).expect("a pair");
    assert_eq!(warnings("a.crt", now), Vec::<String>::new());
    for (cert, now, told) in [
        ("a.crt", at(21), "certificate 1 ended at "),
        ("a.crt", at(-1), "certificate 1 is not valid before "),
        ("a.crt", at(18), "certificate 1 ends at "),
        ("strangers.crt", now, "certificate 1 was not signed by certificate 2"),
    ] {
        let warnings = warnings(cert, now);
        assert!(warnings.iter().any(|warning| warning.starts_with(told)), "{told}: {warnings:?}");
    }
}

fn write_at(path: &Path, text: &str, at: Timestamp) {
    std::fs::write(path, text).expect("written");
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_millis(at.millis() as u64);
    std::fs::File::options().write(true).open(path).and_then(|file| file.set_modified(at)).expect("touched");
}

#[test]
fn half_of_a_change_is_not_told_of_and_a_whole_one_is_taken() {
    let folder = Folder::new();
    let read = |name: &str| std::fs::read_to_string(folder.at(name)).expect("read");
    let (cert, key) = (folder.at("tls.crt"), folder.at("tls.key"));
    let begin = crate::clock::now();
    let at = |seconds: i64| Timestamp(begin.millis() + seconds * 1000);
    write_at(&cert, &read("a.crt"), at(-100));
    write_at(&key, &read("a.key"), at(-100));
    let tls = Tls::open(Files { cert: cert.clone(), key: key.clone() }, begin).expect("a pair");
    let metrics = Metrics::default();
    let first = tls.current(&metrics, at(1));
    let reloads = |result: &str| {
        let line = format!("tagrelay_certificate_reloads_total{{result=\"{result}\"}} ");
        let text = metrics.text(&[], Some(0), &[]);
        text.lines().find_map(|this| this.strip_prefix(line.as_str()).map(str::to_owned)).unwrap_or_default()
    };
    write_at(&cert, &read("b.crt"), at(2));
    assert!(Arc::ptr_eq(&first, &tls.current(&metrics, at(3))));
    assert_eq!(reloads("refused"), "", "the key may be on its way");
    write_at(&key, &read("b.key"), at(4));
    let second = tls.current(&metrics, at(5));
    assert!(!Arc::ptr_eq(&first, &second));
    assert_eq!(reloads("ok"), "1");
    // And one that stays half is told of, once.
    write_at(&key, &read("a.key"), at(6));
    for seconds in 7..20 {
        assert!(Arc::ptr_eq(&second, &tls.current(&metrics, at(seconds))));
    }
    assert_eq!((reloads("ok"), reloads("refused")), ("1".to_owned(), "1".to_owned()));
    // Whenever the files say that they were written: a copy may keep its time, and a clock may be ahead.
    for (begins, written) in [(30, -1_000_000), (50, 1_000_000)] {
        write_at(&cert, &read("a.crt"), at(begins));
        write_at(&key, &read("a.key"), at(begins));
        tls.current(&metrics, at(begins + 1));
        let told = reloads("refused");
        write_at(&key, &read("b.key"), at(written));
        tls.current(&metrics, at(begins + 2));
        tls.current(&metrics, at(begins + 4));
        assert_eq!(reloads("refused"), told, "{written}: the certificate may be on its way");
        tls.current(&metrics, at(begins + 5));
        assert_ne!(reloads("refused"), told, "{written}");
    }
}

#[test]
fn the_oldest_handshake_gives_way_to_the_newest() {
    let mut handshakes = Handshakes::default();
    let mut under_way: VecDeque<Ticket> = (0..1_024).map(|_| handshakes.begin()).collect();
    let gave_way = |ticket: &mut Ticket| ticket.try_recv() == Err(tokio::sync::oneshot::error::TryRecvError::Closed);
    assert!(!under_way.iter_mut().any(gave_way));
    // Those that are done make room first.
    drop(under_way.pop_back());
    under_way.push_back(handshakes.begin());
    assert!(!under_way.iter_mut().any(gave_way));
    under_way.push_back(handshakes.begin());
    assert_eq!(under_way.iter_mut().map(gave_way).filter(|gave| *gave).count(), 1);
    assert!(under_way.front_mut().is_some_and(gave_way));
    handshakes.end();
    assert!(under_way.iter_mut().all(gave_way));
}
