//! Certificates and keys of servers.

use super::*;
use crate::certificate::Certificate;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A directory with certificates, removed in the end.
struct Made(PathBuf);

impl Drop for Made {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Made {
    #[expect(
        clippy::print_stderr,
        reason = "who reads the output is told that a test was skipped"
    )]
    fn new(test: &str) -> Option<Self> {
        let name = format!("provost-config-tls-{test}-{}", std::process::id());
        let made = Self(std::env::temp_dir().join(name));
        std::fs::create_dir_all(&made.0).unwrap();
        for name in ["a", "b"] {
            let line = format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.pem -days 30 \
                 -subj /CN={name} -addext subjectAltName=DNS:{name}.example,IP:127.0.0.1,email:x@{name}.example"
            );
            let mut command = Command::new("openssl");
            let done = command.args(line.split(' ')).current_dir(&made.0).output();
            let Ok(done) = done else {
                eprintln!("skipped: openssl is not installed");
                return None;
            };
            assert!(done.status.success(), "{done:?}");
        }
        Some(made)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// A machine that has them.
    fn world(&self) -> World {
        let mut world = World::new()
            .file("/site/empty", "nothing\n")
            .unreadable("/site/locked");
        for name in ["a.pem", "a.key", "b.pem", "b.key"] {
            world = world.file(&format!("/site/{name}"), self.text(name));
        }
        let text = self.text("a.pem").replace("-----END", "=====END");
        world.file("/site/damaged", text)
    }
}

const SERVER: &str = "[supervisord]\n[inet_http_server]\nport=9001\n";

fn messages(world: &World, keys: &str) -> Vec<String> {
    let problems = match read(world, &format!("{SERVER}{keys}")) {
        Ok(config) => config.diagnostics,
        Err(failure) => failure.diagnostics,
    };
    let told = problems.into_iter();
    told.map(|problem| format!("{} {}", problem.severity, problem.message))
        .collect()
}

#[test]
fn what_is_wrong_with_certificates_and_keys_is_told() {
    let Some(made) = Made::new("wrong") else {
        return;
    };
    let world = made.world();
    let pair = "tls_cert=a.pem\ntls_key=a.key\n";
    for (keys, expected) in [
        (pair.to_owned(), None),
        (
            format!("{pair}tls_client_ca=b.pem\ntls_client=optional\n"),
            None,
        ),
        (
            "tls_cert=a.pem\n".to_owned(),
            Some("error [inet_http_server] has `tls_cert` without `tls_key`"),
        ),
        (
            "tls_key=a.key\n".to_owned(),
            Some("error [inet_http_server] has `tls_key` without `tls_cert`"),
        ),
        (
            "tls_client_ca=a.pem\n".to_owned(),
            Some("error [inet_http_server] has `tls_client_ca` without `tls_cert`"),
        ),
        (
            format!("{pair}tls_client=optional\n"),
            Some("warning `tls_client` has no effect without `tls_client_ca`"),
        ),
        (
            format!("{pair}tls_client_ca=b.pem\ntls_client=maybe\n"),
            Some("error `tls_client` expects one of"),
        ),
        (format!("{pair}tls_min_version=1.3\n"), None),
        (
            format!("{pair}tls_min_version=1.1\n"),
            Some("error `tls_min_version` expects one of 1.2, 1.3, found `1.1`"),
        ),
        (
            "tls_min_version=1.3\n".to_owned(),
            Some("warning `tls_min_version` has no effect without `tls_cert`"),
        ),
        (
            format!("{pair}tls_client_crl=a.pem\n"),
            Some("error [inet_http_server] has `tls_client_crl` without `tls_client_ca`"),
        ),
        (
            format!("{pair}tls_client_ca=b.pem\ntls_client_crl=a.pem\n"),
            Some("error `tls_client_crl`: /site/a.pem has no list of revoked certificates in it"),
        ),
        (
            "tls_cert=gone\ntls_key=a.key\n".to_owned(),
            Some("error `tls_cert` cannot read /site/gone"),
        ),
        (
            "tls_cert=a.pem\ntls_key=locked\n".to_owned(),
            Some("error `tls_key` cannot read /site/locked"),
        ),
        (
            "tls_cert=empty\ntls_key=a.key\n".to_owned(),
            Some("error `tls_cert`: /site/empty has no certificate in it"),
        ),
        (
            "tls_cert=damaged\ntls_key=a.key\n".to_owned(),
            Some("error `tls_cert`: /site/damaged is damaged"),
        ),
        (
            "tls_cert=a.pem\ntls_key=empty\n".to_owned(),
            Some("error `tls_key`: /site/empty has no private key in it"),
        ),
        (
            "tls_cert=a.pem\ntls_key=b.key\n".to_owned(),
            Some("error `tls_key`: /site/b.key is not the key of /site/a.pem"),
        ),
    ] {
        let told = messages(&world, &keys);
        match expected {
            None => assert!(told.is_empty(), "{keys}: {told:?}"),
            Some(text) => assert!(
                told.iter().any(|told| told.starts_with(text)),
                "{keys}: {told:?}"
            ),
        }
    }
    let config = read(&world, &format!("{SERVER}{pair}tls_client_ca=b.pem\n")).expect("accepted");
    let tls = config.servers[0].tls.as_ref().unwrap();
    assert!(tls.clients.as_ref().unwrap().required);
    assert_eq!(tls.certificate, made.text("a.pem"));
    assert!(!format!("{tls:?}").contains("PRIVATE"));
}

#[test]
fn a_key_that_all_can_read_and_a_certificate_that_has_expired_are_warned_of() {
    let Some(made) = Made::new("warned") else {
        return;
    };
    let pair = "tls_cert=a.pem\ntls_key=a.key\n";
    let world = made.world().owned("/site/a.key", 0o644);
    let told = messages(&world, pair);
    assert_eq!(
        told,
        ["warning /site/a.key holds a private key, and everybody can read it"]
    );
    for (now, text) in [(i64::MAX, "has expired"), (0, "is not valid yet")] {
        let world = made.world().at(now);
        let told = messages(&world, pair);
        assert!(told[0].contains(text), "{told:?}");
    }
}

#[test]
fn a_server_with_tls_takes_passwords_and_one_that_wants_certificates_needs_none() {
    let Some(made) = Made::new("strict") else {
        return;
    };
    let pair = "username=u\npassword=p\ntls_cert=a.pem\ntls_key=a.key\n";
    assert_eq!(messages(&made.world(), pair), Vec::<String>::new());
    let strict = "[supervisord]\nstrict_security=true\n[inet_http_server]\nport=9001\ntls_cert=a.pem\ntls_key=a.key\n";
    assert!(read(&made.world(), strict).is_err());
    for (mode, accepted) in [("required", true), ("optional", false)] {
        let text = format!("{strict}tls_client_ca=b.pem\ntls_client={mode}\n");
        assert_eq!(read(&made.world(), &text).is_ok(), accepted, "{mode}");
    }
}

#[test]
fn certificates_say_whose_they_are() {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    let Some(made) = Made::new("whose") else {
        return;
    };
    let path: &Path = &made.0.join("a.pem");
    let der = CertificateDer::from_pem_file(path).unwrap();
    let found = Certificate::read(&der).unwrap();
    assert_eq!(found.subject.as_deref(), Some("a"));
    assert_eq!(found.names, ["a.example", "127.0.0.1", "x@a.example"]);
    assert_eq!(found.ends - found.begins, 30 * 86400);
    // Cut off or changed anywhere it makes nobody panic.
    for at in 0..der.len() {
        let _ = Certificate::read(&der[..at]);
        let mut other = der.to_vec();
        other[at] ^= 0xff;
        let _ = Certificate::read(&other);
    }
}
