//! Who calls: an account by its API key, or the platform by its token. Compared in constant time.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tonic::Status;
use tonic::metadata::MetadataMap;

use super::Shared;

/// The account whose API key the call carries.
pub(super) fn account(shared: &Shared, metadata: &MetadataMap) -> Result<u32, Status> {
    let key = bearer(metadata)?;
    // Found by its hash: how long a wrong key takes tells nothing about the right ones.
    let digest: [u8; 32] = Sha256::digest(key).into();
    let found = shared.current().config.by_api_key.get(&digest).copied();
    found.ok_or_else(|| Status::unauthenticated("the API key is not known"))
}

/// Whether the call carries the control token.
pub(super) fn platform(shared: &Shared, metadata: &MetadataMap) -> Result<(), Status> {
    let token = bearer(metadata)?;
    // Hashed first, so that the comparison is of equal lengths.
    let given: [u8; 32] = Sha256::digest(token).into();
    let known: [u8; 32] = Sha256::digest(shared.control_token.as_bytes()).into();
    if given.ct_eq(&known).into() {
        Ok(())
    } else {
        Err(Status::unauthenticated("the control token is wrong"))
    }
}

fn bearer(metadata: &MetadataMap) -> Result<&[u8], Status> {
    let missing = || Status::unauthenticated("metadata `authorization: Bearer ...` is missing");
    let value = metadata.get("authorization").ok_or_else(missing)?.as_bytes();
    let (scheme, token) = value.split_at_checked(7).ok_or_else(missing)?;
    if scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty() { Ok(token) } else { Err(missing()) }
}
