//! A connection without a session: octets as a peer of the field writes them, past every encoder of ours.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::PATIENCE;

/// A PDU as it came.
#[derive(Debug)]
pub struct RawPdu {
    pub command_id: u32,
    pub status: u32,
    pub sequence_number: u32,
    pub body: Vec<u8>,
}

/// A PDU as it is to go.
pub fn raw(command_id: u32, status: u32, sequence_number: u32, body: &[u8]) -> Vec<u8> {
    let mut pdu = Vec::new();
    for word in [16 + body.len() as u32, command_id, status, sequence_number] {
        pdu.extend_from_slice(&word.to_be_bytes());
    }
    pdu.extend_from_slice(body);
    pdu
}

/// One end of a connection.
pub struct RawPeer(pub TcpStream);

impl RawPeer {
    pub fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    pub fn write(&mut self, octets: &[u8]) {
        self.0.write_all(octets).unwrap();
    }

    #[track_caller]
    pub fn read(&mut self) -> RawPdu {
        let mut header = [0; 16];
        self.0.read_exact(&mut header).unwrap();
        let word = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().unwrap());
        let mut body = vec![0; word(0) as usize - 16];
        self.0.read_exact(&mut body).unwrap();
        RawPdu { command_id: word(4), status: word(8), sequence_number: word(12), body }
    }

    /// The next PDU of this kind; others are passed over.
    #[track_caller]
    pub fn read_until(&mut self, command_id: u32) -> RawPdu {
        loop {
            let pdu = self.read();
            if pdu.command_id == command_id {
                return pdu;
            }
        }
    }

    /// Takes the engine's bind with this response body; what it asked.
    #[track_caller]
    pub fn take_bind(&mut self, body: &[u8]) -> RawPdu {
        let bind = self.read();
        assert_eq!(bind.command_id, 0x09, "{bind:?}");
        self.write(&raw(0x8000_0009, 0, bind.sequence_number, body));
        bind
    }
}
