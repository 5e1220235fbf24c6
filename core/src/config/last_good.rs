//! The last good snapshot, on disk: the engine starts and runs with it while everything else is down.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use brivas_proto::v1;
use prost::Message;
use sha2::{Digest, Sha256};

use crate::error::EngineError;

const FILE_NAME: &str = "snapshot.bin";
const DIGEST_BYTES: usize = 32;

/// Reads it; None where there is none yet.
pub(crate) fn load(data_dir: &Path) -> Result<Option<v1::Snapshot>, EngineError> {
    let path = data_dir.join(FILE_NAME);
    let octets = match fs::read(&path) {
        Ok(octets) => octets,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(EngineError::Io { operation: "read", path, error }),
    };
    let snapshot = octets
        .split_at_checked(DIGEST_BYTES)
        .filter(|(digest, body)| Sha256::digest(body)[..] == **digest)
        .and_then(|(_, body)| v1::Snapshot::decode(body).ok());
    match snapshot {
        Some(snapshot) => Ok(Some(snapshot)),
        None => Err(EngineError::Config(format!(
            "{} is damaged: remove it and apply the configuration again",
            path.display()
        ))),
    }
}

/// Writes it: whole or not at all, readable by the owner only, for it holds the carriers' passwords.
pub(crate) fn store(data_dir: &Path, snapshot: &v1::Snapshot) -> Result<(), EngineError> {
    let (path, draft) = (data_dir.join(FILE_NAME), data_dir.join(".snapshot.bin.new"));
    let body = snapshot.encode_to_vec();
    let write = || -> std::io::Result<()> {
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(&Sha256::digest(&body))?;
        file.write_all(&body)?;
        file.sync_all()?;
        fs::rename(&draft, &path)?;
        fs::File::open(data_dir)?.sync_all()
    };
    let failed = |error| EngineError::Io { operation: "write", path: PathBuf::from(&path), error };
    write().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_loaded_and_damage_is_named() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(load(folder.path()).unwrap(), None);
        let account = v1::Account { name: "sample".into(), ..Default::default() };
        let snapshot = v1::Snapshot { accounts: vec![account], ..Default::default() };
        store(folder.path(), &snapshot).unwrap();
        assert_eq!(load(folder.path()).unwrap(), Some(snapshot));
        let path = folder.path().join(FILE_NAME);
        let mut octets = fs::read(&path).unwrap();
        octets.pop();
        fs::write(&path, octets).unwrap();
        assert!(load(folder.path()).unwrap_err().to_string().contains("is damaged"));
    }
}
