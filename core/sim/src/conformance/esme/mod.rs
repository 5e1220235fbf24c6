//! stub
use super::options::ConformanceOptions;
use super::report::Report;
use crate::handle::Shared;
use std::net::TcpListener;
pub(super) fn listen(options: &ConformanceOptions) -> std::io::Result<TcpListener> {
    TcpListener::bind(&options.address)
}
pub(super) fn run(options: &ConformanceOptions, _: &TcpListener, _: &Shared) -> Report {
    Report::new("esme", &options.address)
}
