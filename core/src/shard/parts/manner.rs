//! What a peer takes: the form of long messages, and what data_coding 0 means there.

use brivas_proto::v1;
use brivas_smpp::segment::Form;
use brivas_smpp::text::{DefaultAlphabet, Padding};

/// How a peer wants its messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manner {
    /// None: as they came.
    pub(crate) form: Option<Form>,
    pub(crate) alphabet: DefaultAlphabet,
}

impl Manner {
    /// As the configuration (or the journal) has it; what it does not know is the default.
    pub(crate) fn new(form: i32, alphabet: i32) -> Self {
        let form = match v1::LongMessages::try_from(form).unwrap_or_default() {
            v1::LongMessages::AsSent => None,
            v1::LongMessages::Udh8 => Some(Form::Udh8),
            v1::LongMessages::Udh16 => Some(Form::Udh16),
            v1::LongMessages::Sar => Some(Form::Sar),
            v1::LongMessages::Payload => Some(Form::Payload),
        };
        let alphabet = match v1::DefaultAlphabet::try_from(alphabet).unwrap_or_default() {
            v1::DefaultAlphabet::Gsm => DefaultAlphabet::Gsm,
            v1::DefaultAlphabet::GsmPacked => DefaultAlphabet::GsmPacked(Padding::CarriageReturn),
            v1::DefaultAlphabet::Latin1 => DefaultAlphabet::Latin1,
            v1::DefaultAlphabet::Ascii => DefaultAlphabet::Ascii,
            v1::DefaultAlphabet::Utf8 => DefaultAlphabet::Utf8,
        };
        Self { form, alphabet }
    }

    pub(crate) const fn form_number(self) -> i32 {
        match self.form {
            None => 0,
            Some(Form::Udh8) => 1,
            Some(Form::Udh16) => 2,
            Some(Form::Sar) => 3,
            Some(Form::Payload) => 4,
        }
    }

    pub(crate) const fn alphabet_number(self) -> i32 {
        match self.alphabet {
            DefaultAlphabet::Gsm => 0,
            DefaultAlphabet::GsmPacked(_) => 1,
            DefaultAlphabet::Latin1 => 2,
            DefaultAlphabet::Ascii => 3,
            DefaultAlphabet::Utf8 => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_the_configurations() {
        for number in 0..5 {
            let manner = Manner::new(number, number);
            assert_eq!((manner.form_number(), manner.alphabet_number()), (number, number));
        }
        assert_eq!(Manner::new(77, -1), Manner::default());
    }
}
