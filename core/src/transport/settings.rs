//! From the configuration's certificates to what rustls takes: checked whole when a configuration is built, so that no
//! handshake can meet a key that does not fit.

use std::fmt;
use std::sync::Arc;

use brivas_proto::v1;
use prost::Message as _;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::certificate;

/// A field of a configuration's TLS that is wrong, and why.
#[derive(Debug)]
pub struct Misfit {
    /// As the resource names it, from `spec` on.
    pub field: &'static str,
    /// Without the field's name.
    pub why: String,
}

impl fmt::Display for Misfit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.field, self.why)
    }
}

/// Whether a listener may have this TLS, a serialised `ListenerTls`: for whoever checks a configuration without an engine.
///
/// # Errors
/// What is wrong with it.
pub fn check_listener_tls(octets: &[u8]) -> Result<(), Misfit> {
    let spec = v1::ListenerTls::decode(octets).map_err(|error| unreadable(&error))?;
    ServerTls::new(&spec).map(|_| ())
}

/// The same of TLS to a carrier, a serialised `CarrierTls`.
///
/// # Errors
/// What is wrong with it.
pub fn check_carrier_tls(octets: &[u8], host: &str) -> Result<(), Misfit> {
    let spec = v1::CarrierTls::decode(octets).map_err(|error| unreadable(&error))?;
    ClientTls::new(&spec, host).map(|_| ())
}

fn unreadable(error: &prost::DecodeError) -> Misfit {
    Misfit { field: "tls", why: error.to_string() }
}

/// A listener's TLS.
#[derive(Debug)]
pub(crate) struct ServerTls {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) expires_at_ms: i64,
    pub(crate) client_certificates: v1::ClientCertificates,
}

/// TLS towards a carrier.
#[derive(Debug)]
pub(crate) struct ClientTls {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) server_name: ServerName<'static>,
    /// Of our certificate; 0 without one.
    pub(crate) expires_at_ms: i64,
}

impl ServerTls {
    /// # Errors
    /// Which field is wrong, and why.
    pub(crate) fn new(spec: &v1::ListenerTls) -> Result<Self, Misfit> {
        let (chain, key, expires_at_ms) = pair("tls.certificate", &spec.certificate, "tls.key", &spec.key)?;
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| versions(&error))?;
        let builder = if spec.client_certificates() == v1::ClientCertificates::None {
            builder.with_no_client_auth()
        } else {
            let roots = Arc::new(trusted("tls.clientCa", &spec.client_ca)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
            let verifier = if spec.client_certificates() == v1::ClientCertificates::Optional {
                verifier.allow_unauthenticated()
            } else {
                verifier
            };
            let verifier = verifier.build();
            builder.with_client_cert_verifier(
                verifier.map_err(|error| Misfit { field: "tls.clientCa", why: error.to_string() })?,
            )
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(|error| misfit("tls.key", "tls.certificate", &error))?;
        // Binds live for hours: a resumed session would save nothing, and could outlive a certificate that was taken out.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self { config: Arc::new(config), expires_at_ms, client_certificates: spec.client_certificates() })
    }
}

impl ClientTls {
    /// # Errors
    /// Which field is wrong, and why.
    pub(crate) fn new(spec: &v1::CarrierTls, host: &str) -> Result<Self, Misfit> {
        let name = if spec.server_name.is_empty() { host } else { &spec.server_name };
        let server_name = ServerName::try_from(name.to_owned()).map_err(|_| Misfit {
            field: "tls.serverName",
            why: format!("{name:?} is neither a DNS name nor an address"),
        })?;
        let roots = if spec.ca.is_empty() { system_roots()? } else { trusted("tls.ca", &spec.ca)? };
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| versions(&error))?
            .with_root_certificates(roots);
        let (config, expires_at_ms) = if spec.client_certificate.is_empty() && spec.client_key.is_empty() {
            (builder.with_no_client_auth(), 0)
        } else {
            let (chain, key, expires_at_ms) =
                pair("tls.clientCertificate", &spec.client_certificate, "tls.clientKey", &spec.client_key)?;
            let config = builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| misfit("tls.clientKey", "tls.clientCertificate", &error))?;
            (config, expires_at_ms)
        };
        Ok(Self { config: Arc::new(config), server_name, expires_at_ms })
    }
}

type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>, i64);

fn pair(
    certificate_field: &'static str,
    certificate: &str,
    key_field: &'static str,
    key: &str,
) -> Result<Pair, Misfit> {
    let chain =
        certificate::certificates(certificate).map_err(|why| Misfit { field: certificate_field, why })?;
    let expires_at_ms =
        certificate::expires_at_ms(&chain).map_err(|why| Misfit { field: certificate_field, why })?;
    let key = certificate::private_key(key).map_err(|why| Misfit { field: key_field, why })?;
    Ok((chain, key, expires_at_ms))
}

fn misfit(key_field: &'static str, certificate_field: &'static str, error: &rustls::Error) -> Misfit {
    match error {
        rustls::Error::InconsistentKeys(_) => Misfit {
            field: key_field,
            why: format!("does not belong to {certificate_field}: were both files replaced?"),
        },
        other => Misfit { field: certificate_field, why: other.to_string() },
    }
}

fn trusted(field: &'static str, pem: &str) -> Result<RootCertStore, Misfit> {
    let mut roots = RootCertStore::empty();
    for certificate in certificate::certificates(pem).map_err(|why| Misfit { field, why })? {
        roots.add(certificate).map_err(|error| Misfit { field, why: error.to_string() })?;
    }
    Ok(roots)
}

fn versions(error: &rustls::Error) -> Misfit {
    Misfit { field: "tls", why: error.to_string() }
}

/// Whom this system trusts: its own store, so that what its operator adds or takes out there holds here too.
fn system_roots() -> Result<RootCertStore, Misfit> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let why = "is not given, and this system has no trusted certificates".to_owned();
        return Err(Misfit { field: "tls.ca", why });
    }
    Ok(roots)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
