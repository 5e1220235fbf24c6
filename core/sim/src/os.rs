//! What the standard library does not offer: a thread's CPU time, and a tick through epoll.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::time::Duration;

/// CPU seconds of the calling thread: user, and system.
pub(crate) fn thread_cpu_seconds() -> (f64, f64) {
    // SAFETY: rusage is plain integers, for which all zeros is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live, writable rusage; the call keeps nothing.
    if unsafe { libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage) } != 0 {
        return (0.0, 0.0);
    }
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    (seconds(usage.ru_utime), seconds(usage.ru_stime))
}

/// A timer that becomes readable at every tick: epoll's own timeout is late by up to a millisecond.
#[derive(Debug)]
pub(crate) struct Ticker(File);

impl Ticker {
    pub(crate) fn start(interval: Duration) -> io::Result<Self> {
        // SAFETY: no pointers are passed.
        let fd =
            unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_NONBLOCK | libc::TFD_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: fd was just opened and belongs to nobody else.
        let ticker = Self(unsafe { File::from_raw_fd(fd) });
        let time = libc::timespec {
            tv_sec: interval.as_secs() as libc::time_t,
            tv_nsec: libc::c_long::from(interval.subsec_nanos() as i32),
        };
        let setting = libc::itimerspec { it_interval: time, it_value: time };
        // SAFETY: setting lives through the call; a null old value is allowed (timerfd_settime(2)).
        if unsafe { libc::timerfd_settime(fd, 0, &raw const setting, std::ptr::null_mut()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(ticker)
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Takes the ticks that have come, so that the next one is an edge.
    pub(crate) fn take(&mut self) {
        let mut count = [0; 8];
        // Nothing to read is no fault.
        let _ = self.0.read(&mut count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_works_has_cpu_time() {
        let before = thread_cpu_seconds();
        let mut sum = 0u64;
        while thread_cpu_seconds().0 + thread_cpu_seconds().1 <= before.0 + before.1 {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(sum > 0);
    }
}
