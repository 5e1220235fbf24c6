//! Certificates and keys from PEM, and what a certificate says of its owner.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// Certificates of one file at most: the system's whole trust store has a few hundred.
const CERTIFICATES_MAX: usize = 1_000;

/// All certificates of a PEM text.
///
/// # Errors
/// There is none, or one that cannot be read.
pub(crate) fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(pem.as_bytes()).take(CERTIFICATES_MAX + 1).collect();
    let found = found.map_err(|error| format!("no PEM certificates: {error}"))?;
    if found.is_empty() {
        return Err("holds no certificate: PEM with BEGIN CERTIFICATE is needed".to_owned());
    }
    if found.len() > CERTIFICATES_MAX {
        return Err(format!("holds more than {CERTIFICATES_MAX} certificates"));
    }
    Ok(found)
}

/// The key of a PEM text: PKCS #8, PKCS #1 or SEC1, not encrypted.
///
/// # Errors
/// There is none.
pub(crate) fn private_key(pem: &str) -> Result<PrivateKeyDer<'static>, String> {
    if pem.contains("ENCRYPTED") {
        return Err("is encrypted: store it without a passphrase, readable by the gateway only".to_owned());
    }
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|error| format!("holds no private key: {error}"))
}

/// When the first of a chain's certificates expires, milliseconds since 1970.
///
/// # Errors
/// Which certificate cannot be read.
pub(crate) fn expires_at_ms(chain: &[CertificateDer<'_>]) -> Result<i64, String> {
    let mut first = i64::MAX;
    for (number, der) in chain.iter().enumerate() {
        let certificate = read(der).ok_or_else(|| format!("certificate {} cannot be read", number + 1))?;
        let at = certificate.tbs_certificate().validity().not_after.to_unix_duration().as_millis();
        first = first.min(i64::try_from(at).unwrap_or(i64::MAX));
    }
    Ok(first)
}

/// Whom a certificate names: its subject's common name, and its DNS names.
pub(crate) fn names(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Some(certificate) = read(certificate) else { return Vec::new() };
    let mut names = Vec::new();
    if let Ok(Some(name)) = certificate.tbs_certificate().subject().common_name() {
        names.push(name.value().to_string());
    }
    if let Ok(Some((_, alternative))) = certificate.tbs_certificate().get_extension::<SubjectAltName>() {
        names.extend(alternative.0.iter().filter_map(|name| match name {
            GeneralName::DnsName(name) => Some(name.to_string()),
            _ => None,
        }));
    }
    names
}

fn read(der: &CertificateDer<'_>) -> Option<Certificate> {
    Certificate::from_der(der).ok()
}
