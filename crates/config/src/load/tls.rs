//! Certificates and keys of servers: read with the configuration, so that a mistake shows before anything is stopped.

use super::reader::{Got, Reader, Scope};
use super::report::Told;
use super::safety::ALL_READ;
use crate::certificate::Certificate;
use crate::diagnostic::Code;
use crate::options::{OptionSpec, inet};
use crate::paths;
use crate::python::strip;
use crate::sections::Value;
use provost_model::access::Secret;
use provost_model::tls::{TlsClients, TlsFiles, TlsSpec, TlsVersion};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, RootCertStore};
use std::path::PathBuf;
use std::sync::Arc;

/// What to do about a list that is none.
const LIST: &str =
    "name a file with `-----BEGIN X509 CRL-----` in it, as `openssl ca -gencrl` makes it";

/// A file that a key names.
struct Named {
    key: &'static str,
    got: Got,
    path: PathBuf,
    text: String,
}

impl Reader<'_> {
    /// What encrypts a server; none where nothing is to.
    pub(crate) fn tls(&mut self, section: &str) -> Result<Option<TlsSpec>, Told> {
        let scope = self.scope(section);
        let certificate = self.pem(&scope, &inet::TLS_CERT);
        let key = self.pem(&scope, &inet::TLS_KEY);
        let authorities = self.pem(&scope, &inet::TLS_CLIENT_CA);
        let revoked = self.pem(&scope, &inet::TLS_CLIENT_CRL);
        let mode = self.one_of(&scope, &inet::TLS_CLIENT, &["required", "optional"]);
        let version = self.one_of(&scope, &inet::TLS_MIN_VERSION, &["1.2", "1.3"]);
        let (certificate, key) = match (certificate?, key?) {
            (Some(certificate), Some(key)) => (certificate, key),
            (None, None) => return self.without_certificate(&scope, authorities?, revoked?),
            (Some(there), None) => return Err(self.alone(&scope, &there, inet::TLS_KEY.name)),
            (None, Some(there)) => return Err(self.alone(&scope, &there, inet::TLS_CERT.name)),
        };
        self.readable_key(&key);
        let chain = self.chain(&scope, &certificate);
        let private = self.private(&scope, &key);
        self.fitting(&scope, &certificate, &key, chain?, private?)?;
        let (authorities, revoked) = (authorities?, revoked?);
        match (&authorities, &revoked) {
            (Some(authorities), revoked) => {
                self.authorities(&scope, authorities, revoked.as_ref())?;
            }
            // Whoever wrote it believes that some clients are kept out.
            (None, Some(there)) => {
                return Err(self.alone(&scope, there, inet::TLS_CLIENT_CA.name));
            }
            (None, None) => {}
        }
        let required = mode? != Some("optional");
        if authorities.is_none() {
            self.no_effect(&scope, inet::TLS_CLIENT.name, inet::TLS_CLIENT_CA.name);
        }
        let files = TlsFiles {
            certificate: certificate.path,
            key: key.path,
            authorities: authorities.as_ref().map(|named| named.path.clone()),
            revoked: revoked.as_ref().map(|named| named.path.clone()),
        };
        Ok(Some(TlsSpec {
            certificate: certificate.text,
            key: Secret(key.text),
            clients: authorities.map(|named| TlsClients {
                authorities: named.text,
                required,
                revoked: revoked.map(|named| named.text),
            }),
            min_version: match version? {
                Some("1.3") => TlsVersion::V13,
                _ => TlsVersion::V12,
            },
            files: Some(files),
        }))
    }

    fn without_certificate(
        &mut self,
        scope: &Scope,
        authorities: Option<Named>,
        revoked: Option<Named>,
    ) -> Result<Option<TlsSpec>, Told> {
        // Whoever wrote it believes that only known clients get in.
        if let Some(there) = authorities.or(revoked) {
            return Err(self.alone(scope, &there, inet::TLS_CERT.name));
        }
        self.no_effect(scope, inet::TLS_MIN_VERSION.name, inet::TLS_CERT.name);
        self.no_effect(scope, inet::TLS_CLIENT.name, inet::TLS_CLIENT_CA.name);
        Ok(None)
    }

    fn no_effect(&mut self, scope: &Scope, key: &str, without: &str) {
        let value = self.sections.get(&scope.section, key);
        if let Some(place) = value.map(Value::key) {
            let message = format!("`{key}` has no effect without `{without}`");
            self.report.warn(Code::NoEffect, message, Some(place), None);
        }
    }

    /// A key that needs another one beside it.
    fn alone(&mut self, scope: &Scope, there: &Named, other: &str) -> Told {
        let sentence = format!(
            "[{}] has `{}` without `{other}`: both are needed",
            scope.section, there.key
        );
        let help = Some(format!("add a line `{other}=…`, or remove this one"));
        self.wrong(
            scope,
            Code::Contradiction,
            &sentence,
            there.got.place(),
            help,
        )
    }

    /// Reads the file that a key names.
    fn pem(&mut self, scope: &Scope, spec: &OptionSpec) -> Result<Option<Named>, Told> {
        let Some(got) = self.text(scope, spec)? else {
            return Ok(None);
        };
        let named = strip(&got.text);
        if named.is_empty() {
            return Ok(None);
        }
        let path = paths::normalize(named, self.host);
        let read = self
            .host
            .read_file(&path)
            .map_err(|error| error.to_string());
        let text = read.and_then(|bytes| {
            String::from_utf8(bytes).map_err(|_| "it is not PEM, which is text".to_owned())
        });
        match text {
            Ok(text) => Ok(Some(Named {
                key: spec.name,
                got,
                path,
                text,
            })),
            Err(why) => {
                let sentence = format!("`{}` cannot read {}: {why}", spec.name, path.display());
                let help =
                    "name a PEM file that the user who starts supervisord can read".to_owned();
                Err(self.wrong(scope, Code::Unreadable, &sentence, got.place(), Some(help)))
            }
        }
    }

    fn bad(&mut self, scope: &Scope, named: &Named, why: &str, help: &str) -> Told {
        let sentence = format!("`{}`: {} {why}", named.key, named.path.display());
        let help = Some(help.to_owned());
        self.wrong(scope, Code::BadValue, &sentence, named.got.place(), help)
    }

    /// All certificates of a file, of which there must be one. One that does not hold now is warned of.
    fn chain(
        &mut self,
        scope: &Scope,
        named: &Named,
    ) -> Result<Vec<CertificateDer<'static>>, Told> {
        let read: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(named.text.as_bytes()).collect();
        let Ok(chain) = read else {
            let help =
                "make the file anew; a certificate ends with its line `-----END CERTIFICATE-----`";
            return Err(self.bad(scope, named, "is damaged", help));
        };
        if chain.is_empty() {
            let help = "name a file with `-----BEGIN CERTIFICATE-----` in it";
            return Err(self.bad(scope, named, "has no certificate in it", help));
        }
        let now = self.host.now();
        for der in &chain {
            let Some(certificate) = Certificate::read(der) else {
                let why = "has a certificate in it that cannot be read";
                let help = "look at it with `openssl x509 -text -noout -in` and the file";
                return Err(self.bad(scope, named, why, help));
            };
            let problem = match now {
                Some(now) if now > certificate.ends => "has expired",
                Some(now) if now < certificate.begins => "is not valid yet",
                _ => continue,
            };
            let message = format!(
                "a certificate in {} {problem}: clients will refuse the connection",
                named.path.display()
            );
            let help = "have it renewed, and see that the clock is right".to_owned();
            let place = named.got.place();
            self.report.warn(Code::Security, message, place, Some(help));
        }
        Ok(chain)
    }

    fn private(&mut self, scope: &Scope, named: &Named) -> Result<PrivateKeyDer<'static>, Told> {
        PrivateKeyDer::from_pem_slice(named.text.as_bytes()).map_err(|_| {
            let (why, help) = if named.text.contains("ENCRYPTED") {
                (
                    "has a key that is locked by a password",
                    "take the password off with `openssl pkey -in` and the file, and protect the file instead",
                )
            } else {
                (
                    "has no private key in it",
                    "name a file with `-----BEGIN PRIVATE KEY-----` in it",
                )
            };
            self.bad(scope, named, why, help)
        })
    }

    /// Certificate and key must belong together.
    fn fitting(
        &mut self,
        scope: &Scope,
        certificate: &Named,
        key: &Named,
        chain: Vec<CertificateDer<'static>>,
        private: PrivateKeyDer<'static>,
    ) -> Result<(), Told> {
        match CertifiedKey::from_der(chain, private, &ring::default_provider()) {
            Ok(_) => Ok(()),
            Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
                let why = format!("is not the key of {}", certificate.path.display());
                let help = "name the key that the certificate was made with; the server's own certificate comes first in `tls_cert`";
                Err(self.bad(scope, key, &why, help))
            }
            Err(error) => {
                let why = format!("cannot be used as the key of a server: {error}");
                let help = "use an RSA key of 2048 to 8192 bits, an ECDSA key (P-256, P-384, P-521) or an Ed25519 key";
                Err(self.bad(scope, key, &why, help))
            }
        }
    }

    /// Authorities that can vouch for clients, and lists of what they have taken back.
    fn authorities(
        &mut self,
        scope: &Scope,
        named: &Named,
        revoked: Option<&Named>,
    ) -> Result<(), Told> {
        let mut roots = RootCertStore::empty();
        for der in self.chain(scope, named)? {
            if let Err(error) = roots.add(der) {
                let why = format!("has a certificate that can be no authority: {error}");
                return Err(self.bad(scope, named, &why, "name the certificates of authorities"));
            }
        }
        let provider = Arc::new(ring::default_provider());
        let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        if let Some(revoked) = revoked {
            builder = builder.with_crls(self.revoked(scope, revoked)?);
        }
        match (builder.build(), revoked) {
            (Ok(_), _) => Ok(()),
            (Err(VerifierBuilderError::InvalidCrl(error)), Some(revoked)) => {
                let error = Error::InvalidCertRevocationList(error);
                let why = format!("has a list that cannot be used: {error}");
                Err(self.bad(scope, revoked, &why, LIST))
            }
            (Err(error), _) => {
                let why = format!("cannot be used: {error}");
                Err(self.bad(scope, named, &why, "name the certificates of authorities"))
            }
        }
    }

    /// All lists of a file, of which there must be one.
    fn revoked(
        &mut self,
        scope: &Scope,
        named: &Named,
    ) -> Result<Vec<CertificateRevocationListDer<'static>>, Told> {
        let read: Result<Vec<_>, _> =
            CertificateRevocationListDer::pem_slice_iter(named.text.as_bytes()).collect();
        match read {
            Ok(lists) if !lists.is_empty() => Ok(lists),
            Ok(_) => Err(self.bad(
                scope,
                named,
                "has no list of revoked certificates in it",
                LIST,
            )),
            Err(_) => Err(self.bad(scope, named, "is damaged", LIST)),
        }
    }

    /// Whoever reads the key can pretend to be this server.
    fn readable_key(&mut self, key: &Named) {
        let rights = self.host.rights(&key.path);
        if rights.is_some_and(|rights| rights.mode & ALL_READ != 0) {
            let message = format!(
                "{} holds a private key, and everybody can read it",
                key.path.display()
            );
            let help = "take the right away with `chmod o-r`".to_owned();
            let place = key.got.place();
            self.report.warn(Code::Security, message, place, Some(help));
        }
    }
}
