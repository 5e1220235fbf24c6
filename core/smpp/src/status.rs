//! The one table of command_status values (SMPP 3.4 §5.1.3, 5.0 §4.7.6): code, name, text, and what a sender does next.

use std::fmt;

use crate::values::InterfaceVersion;

/// What a sender does after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// No attempt will do better with this peer.
    Never,
    /// The same message may pass later, or by another carrier.
    Later,
    /// The peer asks for less speed: the same message later, and slower.
    Slower,
}

/// A command_status; values outside the table are carried as they came.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommandStatus(pub u32);

macro_rules! statuses {
    ($($name:ident = $code:literal, $retry:ident, $text:literal;)*) => {
        impl CommandStatus {
            $(#[doc = $text] pub const $name: Self = Self($code);)*

            const TABLE: &'static [(u32, &'static str, Retry, &'static str)] = &[
                $(($code, concat!("ESME_", stringify!($name)), Retry::$retry, $text),)*
            ];
        }
    };
}

statuses! {
    ROK = 0x00, Never, "no error";
    RINVMSGLEN = 0x01, Never, "message length is invalid";
    RINVCMDLEN = 0x02, Never, "command length is invalid";
    RINVCMDID = 0x03, Never, "command id is invalid";
    RINVBNDSTS = 0x04, Later, "the bind does not allow this command";
    RALYBND = 0x05, Later, "already bound, or too many binds";
    RINVPRTFLG = 0x06, Never, "priority flag is invalid";
    RINVREGDLVFLG = 0x07, Never, "registered delivery flag is invalid";
    RSYSERR = 0x08, Later, "system error";
    RINVSRCADR = 0x0A, Never, "source address is invalid";
    RINVDSTADR = 0x0B, Never, "destination address is invalid";
    RINVMSGID = 0x0C, Never, "message id is invalid";
    RBINDFAIL = 0x0D, Later, "bind failed";
    RINVPASWD = 0x0E, Never, "password is invalid";
    RINVSYSID = 0x0F, Never, "system id is invalid";
    RCANCELFAIL = 0x11, Never, "cancel failed";
    RREPLACEFAIL = 0x13, Never, "replace failed";
    RMSGQFUL = 0x14, Slower, "message queue is full";
    RINVSERTYP = 0x15, Never, "service type is invalid";
    RINVNUMDESTS = 0x33, Never, "number of destinations is invalid";
    RINVDLNAME = 0x34, Never, "distribution list name is invalid";
    RINVDESTFLAG = 0x40, Never, "destination flag is invalid";
    RINVSUBREP = 0x42, Never, "submit with replace is invalid";
    RINVESMCLASS = 0x43, Never, "esm_class is invalid";
    RCNTSUBDL = 0x44, Never, "cannot submit to the distribution list";
    RSUBMITFAIL = 0x45, Later, "submit failed";
    RINVSRCTON = 0x48, Never, "source TON is invalid";
    RINVSRCNPI = 0x49, Never, "source NPI is invalid";
    RINVDSTTON = 0x50, Never, "destination TON is invalid";
    RINVDSTNPI = 0x51, Never, "destination NPI is invalid";
    RINVSYSTYP = 0x53, Never, "system type is invalid";
    RINVREPFLAG = 0x54, Never, "replace_if_present flag is invalid";
    RINVNUMMSGS = 0x55, Never, "number of messages is invalid";
    RTHROTTLED = 0x58, Slower, "throttled";
    RINVSCHED = 0x61, Never, "scheduled delivery time is invalid";
    RINVEXPIRY = 0x62, Never, "validity period is invalid";
    RINVDFTMSGID = 0x63, Never, "predefined message is invalid or not found";
    RX_T_APPN = 0x64, Later, "receiver: temporary application error";
    RX_P_APPN = 0x65, Never, "receiver: permanent application error";
    RX_R_APPN = 0x66, Never, "receiver: message rejected";
    RQUERYFAIL = 0x67, Never, "query failed";
    RINVTLVSTREAM = 0xC0, Never, "TLV area is broken";
    RTLVNOTALLWD = 0xC1, Never, "TLV is not allowed here";
    RINVTLVLEN = 0xC2, Never, "TLV length is invalid";
    RMISSINGTLV = 0xC3, Never, "a TLV is missing";
    RINVTLVVAL = 0xC4, Never, "TLV value is invalid";
    RDELIVERYFAILURE = 0xFE, Later, "delivery failed";
    RUNKNOWNERR = 0xFF, Later, "unknown error";
    RSERTYPUNAUTH = 0x100, Never, "service type is not authorised";
    RPROHIBITED = 0x101, Never, "prohibited";
    RSERTYPUNAVAIL = 0x102, Later, "service type is unavailable";
    RSERTYPDENIED = 0x103, Never, "service type is denied";
    RINVDCS = 0x104, Never, "data_coding is invalid";
    RINVSRCADDRSUBUNIT = 0x105, Never, "source address subunit is invalid";
    RINVDSTADDRSUBUNIT = 0x106, Never, "destination address subunit is invalid";
    RINVBCASTFREQINT = 0x107, Never, "broadcast frequency interval is invalid";
    RINVBCASTALIAS_NAME = 0x108, Never, "broadcast alias name is invalid";
    RINVBCASTAREAFMT = 0x109, Never, "broadcast area format is invalid";
    RINVNUMBCAST_AREAS = 0x10A, Never, "number of broadcast areas is invalid";
    RINVBCASTCNTTYPE = 0x10B, Never, "broadcast content type is invalid";
    RINVBCASTMSGCLASS = 0x10C, Never, "broadcast message class is invalid";
    RBCASTFAIL = 0x10D, Later, "broadcast failed";
    RBCASTQUERYFAIL = 0x10E, Never, "broadcast query failed";
    RBCASTCANCELFAIL = 0x10F, Never, "broadcast cancel failed";
    RINVBCAST_REP = 0x110, Never, "broadcast repetition is invalid";
    RINVBCASTSRVGRP = 0x111, Never, "broadcast service group is invalid";
    RINVBCASTCHANIND = 0x112, Never, "broadcast channel indicator is invalid";
}

impl CommandStatus {
    fn row(self) -> Option<&'static (u32, &'static str, Retry, &'static str)> {
        let index = Self::TABLE.binary_search_by_key(&self.0, |row| row.0).ok()?;
        Self::TABLE.get(index)
    }

    /// `ESME_...`, where the specification names it.
    pub fn name(self) -> Option<&'static str> {
        self.row().map(|row| row.1)
    }

    /// In words; vendor and reserved values are said to be such.
    pub fn text(self) -> &'static str {
        match (self.row(), self.0) {
            (Some(row), _) => row.3,
            (None, 0x400..=0x4FF) => "vendor specific error",
            (None, _) => "reserved error",
        }
    }

    /// What a sender does next. Values outside the table may be anything: later.
    pub fn retry(self) -> Retry {
        self.row().map_or(Retry::Later, |row| row.2)
    }

    /// Whether the same request may pass later.
    pub fn is_retryable(self) -> bool {
        !self.is_ok() && self.retry() != Retry::Never
    }

    /// Every value that the specification names, rising.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::TABLE.iter().map(|row| Self(row.0))
    }

    /// The nearest value that a version knows. Values of 5.0 (§4.7.6, 0x100 to 0x112) become those of 3.4 that ask for
    /// the same thing; those about TLVs mean nothing to 3.3, which has none.
    #[must_use]
    pub const fn for_version(self, version: InterfaceVersion) -> Self {
        match self {
            Self::RINVTLVSTREAM
            | Self::RTLVNOTALLWD
            | Self::RINVTLVLEN
            | Self::RMISSINGTLV
            | Self::RINVTLVVAL
                if !version.has_tlvs() =>
            {
                Self::RINVCMDLEN
            }
            Self(0x100..=0x112) if !version.is_5_0() => match self {
                Self::RSERTYPUNAUTH | Self::RSERTYPDENIED => Self::RINVSERTYP,
                Self::RSERTYPUNAVAIL => Self::RSYSERR,
                Self::RINVSRCADDRSUBUNIT => Self::RINVSRCADR,
                Self::RINVDSTADDRSUBUNIT => Self::RINVDSTADR,
                Self::RBCASTQUERYFAIL => Self::RQUERYFAIL,
                Self::RBCASTCANCELFAIL => Self::RCANCELFAIL,
                // RPROHIBITED, RINVDCS, and what is wrong with a broadcast.
                _ => Self::RSUBMITFAIL,
            },
            other => other,
        }
    }

    /// Whether the peer took the request.
    pub const fn is_ok(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for CommandStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => formatter.write_str(name),
            None => write!(formatter, "{:#010x}", self.0),
        }
    }
}

impl fmt::Debug for CommandStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_it_can_be_searched() {
        assert!(CommandStatus::TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn a_version_is_told_only_what_it_knows() {
        for status in CommandStatus::all() {
            assert_eq!(status.for_version(InterfaceVersion::V5_0), status);
            let older = status.for_version(InterfaceVersion::V3_4);
            assert!(older.0 <= 0xFF && older.name().is_some(), "{status} became {older}");
            assert_eq!(older == status, status.0 <= 0xFF);
            assert_eq!(older.is_ok(), status.is_ok());
            let oldest = status.for_version(InterfaceVersion::V3_3);
            assert!(!(0xC0..=0xC4).contains(&oldest.0), "{status} became {oldest}");
        }
        let vendor = CommandStatus(0x401);
        assert_eq!(vendor.for_version(InterfaceVersion::V3_3), vendor);
        assert_eq!(CommandStatus::RINVDCS.for_version(InterfaceVersion::V3_4), CommandStatus::RSUBMITFAIL);
        assert_eq!(CommandStatus::RSERTYPUNAVAIL.for_version(InterfaceVersion::V3_4), CommandStatus::RSYSERR);
    }

    #[test]
    fn a_sender_tries_again_what_may_pass_later() {
        let retryable: Vec<_> = CommandStatus::all().filter(|status| status.is_retryable()).collect();
        assert_eq!(
            retryable,
            [
                CommandStatus::RINVBNDSTS,
                CommandStatus::RALYBND,
                CommandStatus::RSYSERR,
                CommandStatus::RBINDFAIL,
                CommandStatus::RMSGQFUL,
                CommandStatus::RSUBMITFAIL,
                CommandStatus::RTHROTTLED,
                CommandStatus::RX_T_APPN,
                CommandStatus::RDELIVERYFAILURE,
                CommandStatus::RUNKNOWNERR,
                CommandStatus::RSERTYPUNAVAIL,
                CommandStatus::RBCASTFAIL,
            ]
        );
    }

    #[test]
    fn every_value_has_a_text_and_a_retry_rule() {
        assert_eq!(CommandStatus(0x14).name(), Some("ESME_RMSGQFUL"));
        assert_eq!(CommandStatus::RTHROTTLED.retry(), Retry::Slower);
        assert_eq!(CommandStatus(0x4FF).text(), "vendor specific error");
        assert_eq!(CommandStatus(0x4FF).to_string(), "0x000004ff");
        assert_eq!(CommandStatus(0xFFFF_FFFF).retry(), Retry::Later);
    }
}
