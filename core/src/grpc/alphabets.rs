//! What data_coding 0 means in the contents that are told of: whose they are says it, and the journal does not hold it.

use brivas_proto::v1;
use v1::event::Kind;
use v1::open_message::Origin;

use crate::config::Config;

/// Of the event that says what a message is: its number in [`v1::DefaultAlphabet`].
pub(super) fn alphabet_of(config: &Config, kind: &Kind) -> Option<i32> {
    match kind {
        Kind::Accepted(accepted) => Some(of_accepted(config, accepted)),
        Kind::MoAccepted(incoming) => Some(of_incoming(config, incoming)),
        Kind::Checkpoint(v1::Checkpoint { open: Some(open), .. }) => match &open.origin {
            Some(Origin::Accepted(accepted)) => Some(of_accepted(config, accepted)),
            Some(Origin::MoAccepted(incoming)) => Some(of_incoming(config, incoming)),
            None => None,
        },
        _ => None,
    }
}

/// Writes it into an event's content, if it has one.
pub(super) fn note(kind: &mut Kind, alphabet: i32) {
    let content = match kind {
        Kind::Accepted(accepted) => &mut accepted.content,
        Kind::MoAccepted(incoming) => &mut incoming.content,
        Kind::Replaced(replaced) => &mut replaced.content,
        Kind::Checkpoint(v1::Checkpoint { open: Some(open), .. }) => match &mut open.origin {
            Some(Origin::Accepted(accepted)) => &mut accepted.content,
            Some(Origin::MoAccepted(incoming)) => &mut incoming.content,
            None => return,
        },
        _ => return,
    };
    if let Some(content) = content {
        content.alphabet = alphabet;
    }
}

fn of_accepted(config: &Config, accepted: &v1::Accepted) -> i32 {
    if accepted.origin() == v1::Origin::Api {
        // Written here, in GSM's.
        return v1::DefaultAlphabet::Gsm.into();
    }
    let account = config.account_names.find(&accepted.account).and_then(|number| config.account(number));
    account.map_or(0, |account| account.manner().alphabet_number())
}

fn of_incoming(config: &Config, incoming: &v1::MoAccepted) -> i32 {
    let carrier = config.carrier_names.find(&incoming.carrier).and_then(|number| config.carrier(number));
    carrier.map_or(0, |carrier| carrier.manner().alphabet_number())
}
