//! What tests and examples share.

pub mod pdus;
