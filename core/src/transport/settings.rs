//! From the configuration's certificates to what rustls takes: checked whole when a configuration is built, so that no
//! handshake can meet a key that does not fit.

use std::sync::Arc;

use brivas_proto::v1;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::certificate;

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
    pub(crate) fn new(spec: &v1::ListenerTls) -> Result<Self, String> {
        let (chain, key, expires_at_ms) = pair("tls.certificate", &spec.certificate, "tls.key", &spec.key)?;
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
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
            builder.with_client_cert_verifier(
                verifier.build().map_err(|error| format!("tls.clientCa: {error}"))?,
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
    pub(crate) fn new(spec: &v1::CarrierTls, host: &str) -> Result<Self, String> {
        let name = if spec.server_name.is_empty() { host } else { &spec.server_name };
        let server_name = ServerName::try_from(name.to_owned())
            .map_err(|_| format!("tls.serverName: {name:?} is neither a DNS name nor an address"))?;
        let roots = if spec.ca.is_empty() { system_roots()? } else { trusted("tls.ca", &spec.ca)? };
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
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

fn pair(certificate_field: &str, certificate: &str, key_field: &str, key: &str) -> Result<Pair, String> {
    let named = |field: &str, why: String| format!("{field}: {why}");
    let chain = certificate::certificates(certificate).map_err(|why| named(certificate_field, why))?;
    let expires_at_ms = certificate::expires_at_ms(&chain).map_err(|why| named(certificate_field, why))?;
    let key = certificate::private_key(key).map_err(|why| named(key_field, why))?;
    Ok((chain, key, expires_at_ms))
}

fn misfit(key_field: &str, certificate_field: &str, error: &rustls::Error) -> String {
    match error {
        rustls::Error::InconsistentKeys(_) => {
            format!("{key_field} does not belong to {certificate_field}: were both files replaced?")
        }
        other => format!("{certificate_field}: {other}"),
    }
}

fn trusted(field: &str, pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificate::certificates(pem).map_err(|why| format!("{field}: {why}"))? {
        roots.add(certificate).map_err(|error| format!("{field}: {error}"))?;
    }
    Ok(roots)
}

/// Whom this system trusts: its own store, so that what its operator adds or takes out there holds here too.
fn system_roots() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err("tls.ca is not given, and this system has no trusted certificates".to_owned());
    }
    Ok(roots)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
