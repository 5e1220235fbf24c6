//! Which way a message would go and why: from the facts that the shard decides by, the table and policy in force, and the
//! shard's own counts. Decides as `brivas_route` explains, without the indices: an independent check of what is done.

use std::sync::Arc;

use brivas_proto::v1;
use brivas_route::{Consent, Decision, Direction, PolicyState, VelocityLimits};
use brivas_smpp::{CommandStatus, text};
use tonic::Status;

use super::Shared;
use crate::clock;
use crate::config::Config;
use crate::config::conditions::rewrite_shown;
use crate::config::routing::direction;
use crate::facts::{Addressed, digits};
use crate::shard::Command;

/// The longest sender and recipient (SMPP 5.0 §4.7.29).
const ADDRESS_OCTETS_MAX: usize = 20;
/// Octets of text that are looked at, at most: what a message_payload holds.
const TEXT_OCTETS_MAX: usize = 65_536;

/// A message that nobody sends.
struct Asked {
    direction: Direction,
    account: u32,
    carrier: Option<u32>,
    source: String,
    destination: String,
    text: String,
    data_coding: u8,
    tags: u64,
    at_ms: i64,
}

pub(super) async fn explain(
    shared: &Shared,
    request: v1::ExplainRequest,
) -> Result<v1::ExplainResponse, Status> {
    let config = shared.current().config;
    let asked = Arc::new(Asked::read(&config, request)?);
    let up = shared.ask(|reply| Command::CarriersUp { reply }).await?;
    let state = if asked.direction == Direction::Mt && !config.policy.is_empty() {
        let asked = Arc::clone(&asked);
        shared
            .ask(|reply| Command::PolicyState {
                about: Box::new(move |config, state| asked.state(config, state)),
                reply,
            })
            .await?
    } else {
        PolicyState::new(VelocityLimits::default(), 0, 0)
    };
    // Patterns are compiled for it: others shall be answered meanwhile.
    let explained = tokio::task::spawn_blocking(move || asked.answer(&config, &state, &up));
    explained.await.map_err(|error| Status::internal(error.to_string()))
}

impl Asked {
    fn read(config: &Config, request: v1::ExplainRequest) -> Result<Self, Status> {
        let direction = direction(request.direction());
        let account = match (direction, request.account.as_str()) {
            (_, "") => u32::MAX,
            (Direction::Mo, _) => {
                let what =
                    "an incoming message has no account yet; hint: leave account out, its route names one";
                return Err(Status::invalid_argument(what));
            }
            (Direction::Mt, name) => config
                .account_names
                .find(name)
                .ok_or_else(|| Status::not_found(format!("there is no account {name:?}")))?,
        };
        let carrier = match request.carrier.as_str() {
            "" => None,
            name => Some(
                config
                    .carrier_names
                    .find(name)
                    .ok_or_else(|| Status::not_found(format!("there is no carrier {name:?}")))?,
            ),
        };
        let destination = request.destination.strip_prefix('+').unwrap_or(&request.destination);
        let is_number = !destination.is_empty() && destination.bytes().all(|octet| octet.is_ascii_digit());
        if !is_number || destination.len() > ADDRESS_OCTETS_MAX {
            return Err(Status::invalid_argument(format!(
                "{:?} is no number; hint: digits with the country code first, such as +491701234567",
                request.destination
            )));
        }
        let source = request.source.strip_prefix('+').unwrap_or(&request.source);
        if source.len() > ADDRESS_OCTETS_MAX {
            return Err(Status::invalid_argument(format!(
                "sender {source:?} has {} octets; hint: at most {ADDRESS_OCTETS_MAX}",
                source.len()
            )));
        }
        if request.text.len() > TEXT_OCTETS_MAX {
            let octets = request.text.len();
            return Err(Status::invalid_argument(format!(
                "text has {octets} octets; hint: at most {TEXT_OCTETS_MAX}"
            )));
        }
        let data_coding = match request.data_coding {
            None => text::encode(&request.text).data_coding,
            Some(value) => u8::try_from(value).map_err(|_| {
                Status::invalid_argument(format!("data_coding {value}; hint: one octet, 0 to 255"))
            })?,
        };
        Ok(Self {
            direction,
            account,
            carrier,
            source: source.to_owned(),
            destination: destination.to_owned(),
            text: request.text,
            data_coding,
            tags: config.tags.bits(&request.tags),
            at_ms: if request.at_ms == 0 { clock::wall_ms() } else { request.at_ms },
        })
    }

    fn facts(&self, config: &Config) -> brivas_route::Message<'_> {
        let addressed = Addressed {
            source: digits(self.source.as_bytes()),
            destination: digits(self.destination.as_bytes()),
            data_coding: self.data_coding,
        };
        let mut facts = match self.direction {
            Direction::Mt => addressed.sent_by_account(config, self.account, &self.text),
            Direction::Mo => addressed.sent_by_carrier(config, self.carrier, &self.text),
        };
        facts.tags |= self.tags;
        facts
    }

    /// What of the shard's counts and consents counts for it.
    fn state(&self, config: &Config, state: &PolicyState) -> PolicyState {
        config.policy.state_about(state, &self.facts(config))
    }

    fn answer(&self, config: &Config, state: &PolicyState, up: &[bool]) -> v1::ExplainResponse {
        let facts = self.facts(config);
        let near = if self.direction == Direction::Mt { &self.destination } else { &self.source };
        let network = config.numbers.network(near.as_bytes());
        let mut response = v1::ExplainResponse {
            network: network.map(|(network, _)| network.to_string()).unwrap_or_default(),
            ported: network.is_some_and(|(_, ported)| ported),
            ..v1::ExplainResponse::default()
        };
        let named = |steps: Vec<String>| steps.into_iter().map(|step| config.tags.named(step)).collect();
        if self.direction == Direction::Mt {
            let policy = config.policy.explain(state, &facts, self.at_ms);
            match policy.decision {
                Decision::Accept => response.decision = "accept".to_owned(),
                Decision::Quarantine { .. } => response.decision = "quarantine".to_owned(),
                Decision::Refuse { status, .. } => {
                    response.decision = "refuse".to_owned();
                    response.status = CommandStatus(status).to_string();
                }
                Decision::Delay { until_ms, .. } => {
                    response.decision = "delay".to_owned();
                    response.until_ms = until_ms;
                }
            }
            response.policy_rule = policy.rule.unwrap_or_default();
            if !config.policy.is_empty() {
                response.policy_steps = named(policy.steps);
            }
        } else {
            let consent = config.policy.consent_words().recognise(&self.text);
            response.consent = match consent {
                Some(Consent::Stop) => "stop".to_owned(),
                Some(Consent::Start) => "start".to_owned(),
                None => String::new(),
            };
        }
        let explanation = config.table.explain_message(&facts, self.at_ms, 0);
        response.steps = named(explanation.steps);
        let Some(route) = explanation.route else { return response };
        response.route = route.name().to_owned();
        response.balance = match route.balance() {
            brivas_route::Balance::Destination => v1::Balance::Destination,
            brivas_route::Balance::Message => v1::Balance::Message,
            brivas_route::Balance::LeastCost => v1::Balance::LeastCost,
        }
        .into();
        let account = route.to_account().map(|number| config.account_names.name(number).to_string());
        response.to_account = account.unwrap_or_default();
        let targets = explanation.candidates.iter().map(|target| v1::ExplainedTarget {
            carrier: config.carrier_names.name(target.carrier).to_string(),
            priority: target.priority,
            weight: target.weight,
            available: up.get(target.carrier as usize).copied().unwrap_or(false),
            price: target.price,
            rewrite: route.rewrite(target.carrier).map(rewrite_shown),
        });
        response.targets = targets.collect();
        response
    }
}
