//! A peer's socket, plain or by TLS, and certificates made for the test.

use std::io::{Read, Result, Write};
use std::net::TcpStream;
use std::sync::Arc;

use brivas_proto::v1;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// A blocking connection.
pub enum Wire {
    Plain(TcpStream),
    Client(Box<StreamOwned<ClientConnection, TcpStream>>),
    Server(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Wire {
    pub fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Client(tls) => &tls.sock,
            Self::Server(tls) => &tls.sock,
        }
    }
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(into),
            Self::Client(tls) => tls.read(into),
            Self::Server(tls) => tls.read(into),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, octets: &[u8]) -> Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(octets),
            Self::Client(tls) => tls.write(octets),
            Self::Server(tls) => tls.write(octets),
        }
    }

    fn flush(&mut self) -> Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Client(tls) => tls.flush(),
            Self::Server(tls) => tls.flush(),
        }
    }
}

/// Who signs.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "authority");
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// For these DNS names, with this common name, valid for so many days from yesterday.
    pub fn sign(&self, common_name: &str, dns_names: &[&str], days: i64) -> Pair {
        let names: Vec<String> = dns_names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, common_name);
        let now = std::time::SystemTime::now();
        let day = std::time::Duration::from_secs(24 * 3_600);
        params.not_before = (now - day * 2).into();
        let (days, is_past) = (u32::try_from(days.abs()).unwrap(), days < 0);
        params.not_after = if is_past { now - day * days } else { now + day * days }.into();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Pair { certificate, key: key.serialize_pem() }
    }

    pub fn listener_tls(&self, pair: &Pair, clients: v1::ClientCertificates) -> v1::ListenerTls {
        v1::ListenerTls {
            certificate: pair.certificate.clone(),
            key: pair.key.clone(),
            client_certificates: clients.into(),
            client_ca: if clients == v1::ClientCertificates::None { String::new() } else { self.pem.clone() },
        }
    }

    /// A TLS client that trusts this authority; the handshake is made with the first octets.
    pub fn connect(&self, socket: TcpStream, name: &str, own: Option<&Pair>) -> Wire {
        self.connect_with(rustls::DEFAULT_VERSIONS, socket, name, own)
    }

    pub fn connect_with(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
        socket: TcpStream,
        name: &str,
        own: Option<&Pair>,
    ) -> Wire {
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(self.roots());
        let config = match own {
            None => builder.with_no_client_auth(),
            Some(pair) => {
                let (chain, key) = pair.read();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let client = ClientConnection::new(Arc::new(config), name).unwrap();
        Wire::Client(Box::new(StreamOwned::new(client, socket)))
    }

    /// A TLS server; with `clients` it demands certificates of this authority.
    pub fn accept(&self, socket: TcpStream, pair: &Pair, clients: bool) -> Wire {
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if clients {
            let roots = Arc::new(self.roots());
            let provider = Arc::new(default_provider());
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let (chain, key) = pair.read();
        let config = builder.with_single_cert(chain, key).unwrap();
        let server = ServerConnection::new(Arc::new(config)).unwrap();
        Wire::Server(Box::new(StreamOwned::new(server, socket)))
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()).unwrap();
        roots
    }
}

impl Pair {
    fn read(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let chain = CertificateDer::pem_slice_iter(self.certificate.as_bytes())
            .collect::<std::result::Result<_, _>>();
        (chain.unwrap(), PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap())
    }
}
