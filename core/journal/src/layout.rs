//! The names in a partition's folder. Segments are named as Kafka names them: by their first offset, in
//! twenty digits.

/// Held locked by the process that writes the partition.
pub(crate) const LOCK_FILE: &str = "lock";
/// What the folder is: see `meta`.
pub(crate) const META_FILE: &str = "partition.meta";
/// What was known to be on the disk: see `mark`.
pub(crate) const MARK_FILE: &str = "durable.mark";

/// The file of the segment whose first record is `base`.
pub(crate) fn segment_name(base: i64) -> String {
    format!("{base:020}{SEGMENT_SUFFIX}")
}

/// The first offset that a file name tells; none when the file is no segment.
pub(crate) fn segment_base(name: &str) -> Option<i64> {
    let digits = name.strip_suffix(SEGMENT_SUFFIX)?;
    if digits.len() == SEGMENT_DIGITS && digits.bytes().all(|octet| octet.is_ascii_digit()) {
        digits.parse().ok()
    } else {
        None
    }
}

const SEGMENT_SUFFIX: &str = ".log";
const SEGMENT_DIGITS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_told_by_its_name() {
        assert_eq!(segment_name(42), "00000000000000000042.log");
        assert_eq!(segment_base("00000000000000000042.log"), Some(42));
        for other in [
            "42.log",
            "0000000000000000004x.log",
            "00000000000000000042.index",
            "lock",
            "99999999999999999999.log",
        ] {
            assert_eq!(segment_base(other), None, "{other}");
        }
    }
}
