//! TLS on a non-blocking socket. The state machine is rustls', without I/O; here it gets its octets in batches.
//!
//! Handshakes need the processor for some tenths of a millisecond: the shard takes a few a round, and closes a connection
//! whose handshake is not through when its bind is due.

use std::cell::OnceCell;
use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;

use mio::net::TcpStream;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};

use super::certificate;

/// What one read of the socket takes: two full records.
const READ_OCTETS: usize = 32 << 10;
/// What rustls may hold of a record that has begun: its 16 KiB and its frame (RFC 8446 §5.2, RFC 5246 §6.2.3).
pub(crate) const BEGUN_OCTETS_MAX: usize = 18 << 10;

/// A peer's first flight: a hello with the largest keys there are has 2 KiB.
const HELLO_OCTETS_MAX: usize = 8 << 10;
/// All that a peer sends until the handshake is through, its chain of certificates among it.
const HANDSHAKE_OCTETS_MAX: usize = 32 << 10;

/// One end of a TLS connection.
#[derive(Debug)]
pub(crate) struct TlsStream {
    pub(super) socket: TcpStream,
    connection: Connection,
    peer_names: OnceCell<Vec<String>>,
    /// Octets that came before the handshake was through.
    handshake_octets: usize,
    /// Something came from the peer.
    has_heard: bool,
    /// What ended it, told after what came before.
    failed: Option<std::io::Error>,
}

/// What a read has brought.
pub(crate) struct Taken {
    pub(crate) octets: usize,
    /// The socket may hold more.
    pub(crate) more: bool,
}

impl TlsStream {
    pub(crate) fn server(socket: TcpStream, config: &Arc<ServerConfig>) -> Result<Self, String> {
        let connection = ServerConnection::new(Arc::clone(config)).map_err(|error| describe(&error))?;
        Ok(Self::new(socket, connection.into()))
    }

    pub(crate) fn client(
        socket: TcpStream,
        config: &Arc<ClientConfig>,
        server_name: ServerName<'static>,
    ) -> Result<Self, String> {
        let connection =
            ClientConnection::new(Arc::clone(config), server_name).map_err(|error| describe(&error))?;
        Ok(Self::new(socket, connection.into()))
    }

    const fn new(socket: TcpStream, connection: Connection) -> Self {
        let peer_names = OnceCell::new();
        Self { socket, connection, peer_names, handshake_octets: 0, has_heard: false, failed: None }
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    pub(crate) const fn has_heard(&self) -> bool {
        self.has_heard
    }

    /// Whether something waits to be written.
    pub(crate) fn has_output(&self) -> bool {
        self.connection.wants_write()
    }

    /// "TLSv1.3"; empty while it is not known.
    pub(crate) fn version(&self) -> &'static str {
        match self.connection.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
            // No other is offered.
            _ => "",
        }
    }

    /// "TLS_AES_256_GCM_SHA384", as IANA names it; empty while it is not known.
    pub(crate) fn cipher(&self) -> String {
        let suite = self.connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
        // rustls tells the suites of TLS 1.3 apart by their names.
        suite.unwrap_or_default().replacen("TLS13_", "TLS_", 1)
    }

    /// Whom the peer's certificate names; None: it showed none.
    pub(crate) fn peer_names(&self) -> Option<&[String]> {
        let certificate = self.connection.peer_certificates()?.first()?;
        // Read once: lists of binds are asked for again and again.
        Some(self.peer_names.get_or_init(|| certificate::names(certificate)))
    }

    /// Reads and decrypts what has come, as much as `into` has room for.
    ///
    /// # Errors
    /// The socket's own, `UnexpectedEof`, or `InvalidData` with what is wrong.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> std::io::Result<Taken> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let mut records = [0; READ_OCTETS];
        let mut octets = 0;
        loop {
            // What is decrypted is never longer than what came, and what had begun before.
            let room = into.len().saturating_sub(octets + BEGUN_OCTETS_MAX).min(READ_OCTETS);
            if room == 0 {
                return Ok(Taken { octets, more: true });
            }
            let error = match self.socket.read(&mut records[..room]) {
                Ok(0) if self.connection.is_handshaking() => std::io::Error::new(
                    ErrorKind::UnexpectedEof,
                    "the peer closed the connection during the TLS handshake",
                ),
                Ok(0) => ErrorKind::UnexpectedEof.into(),
                Ok(count) => match self.decrypt(&records[..count], into, &mut octets) {
                    Ok(()) if count < room => return Ok(Taken { octets, more: false }),
                    Ok(()) => continue,
                    Err(error) => error,
                },
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Ok(Taken { octets, more: false });
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            if octets == 0 {
                return Err(error);
            }
            self.failed = Some(error);
            return Ok(Taken { octets, more: true });
        }
    }

    fn decrypt(&mut self, mut records: &[u8], into: &mut [u8], octets: &mut usize) -> std::io::Result<()> {
        self.has_heard = true;
        self.bound_handshake(records.len())?;
        while !records.is_empty() {
            self.connection.read_tls(&mut records)?;
            let state = match self.connection.process_new_packets() {
                Ok(state) => state,
                Err(error) => {
                    // The peer is told why, if it still listens.
                    let _ = self.connection.write_tls(&mut self.socket);
                    return Err(std::io::Error::new(ErrorKind::InvalidData, describe(&error)));
                }
            };
            let end = *octets + state.plaintext_bytes_to_read();
            let Some(free) = into.get_mut(*octets..end) else {
                return Err(std::io::Error::new(ErrorKind::InvalidData, "TLS: a record is too long"));
            };
            self.connection.reader().read_exact(free)?;
            *octets = end;
            if state.peer_has_closed() {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// rustls would keep 64 KiB of a hello that has not ended, for anybody who connects.
    fn bound_handshake(&mut self, octets: usize) -> std::io::Result<()> {
        if !self.connection.is_handshaking() {
            return Ok(());
        }
        self.handshake_octets += octets;
        let is_hello = self.connection.protocol_version().is_none();
        let most = if is_hello { HELLO_OCTETS_MAX } else { HANDSHAKE_OCTETS_MAX };
        if self.handshake_octets <= most {
            return Ok(());
        }
        let what = if is_hello { "hello" } else { "handshake" };
        let why = format!("TLS: the peer's {what} is longer than {most} octets");
        Err(std::io::Error::new(ErrorKind::InvalidData, why))
    }

    /// Encrypts and writes; gives how much of `octets` was taken, and whether the socket has room for more.
    ///
    /// # Errors
    /// The socket's own.
    pub(crate) fn write(&mut self, octets: &[u8]) -> std::io::Result<Taken> {
        let mut taken = 0;
        loop {
            taken += self.connection.writer().write(&octets[taken..])?;
            if !self.connection.wants_write() {
                // The rest waits for the handshake to end.
                return Ok(Taken { octets: taken, more: true });
            }
            match self.connection.write_tls(&mut self.socket) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Ok(Taken { octets: taken, more: false });
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Tells the peer that nothing follows; if it cannot be told now, it learns it from the socket.
    pub(crate) fn say_goodbye(&mut self) {
        if !self.connection.is_handshaking() {
            self.connection.send_close_notify();
            let _ = self.connection.write_tls(&mut self.socket);
        }
    }
}

/// A failure, so that an operator knows what to change.
fn describe(error: &rustls::Error) -> String {
    use rustls::Error;
    match error {
        Error::InvalidCertificate(CertificateError::NotValidForNameContext { expected, presented }) => {
            // rustls gives them as `DnsName("smsc.example")`.
            let bare = |name: &String| name.split('"').nth(1).unwrap_or(name).to_owned();
            let names = presented.iter().map(bare).collect::<Vec<_>>().join(", ");
            let names = if names.is_empty() { "nobody" } else { &names };
            format!("TLS: the certificate is for {names}, expected {} (tls.serverName)", expected.to_str())
        }
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "TLS: who signed the peer's certificate is not trusted (tls.ca, clientCa)".to_owned()
        }
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "TLS: the peer's certificate has expired".to_owned()
        }
        Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => "TLS: the peer's certificate is not valid yet; are both clocks right?".to_owned(),
        Error::NoCertificatesPresented => "TLS: the peer shows no certificate, and must".to_owned(),
        Error::AlertReceived(alert) => format!("TLS: the peer refuses: {alert:?}"),
        Error::InvalidMessage(_) => "TLS: the peer does not speak TLS here".to_owned(),
        other => format!("TLS: {other}"),
    }
}
