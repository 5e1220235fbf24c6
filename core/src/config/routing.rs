//! Routes and policy rules of the snapshot, compiled to a table and a policy.

use brivas_proto::v1;
use brivas_route::{
    Action, Balance, CONSENT_WORDS, Check, Consent, ConsentWord, ConsentWords, Direction, Per, Policy,
    PolicyBuilder, PolicyRuleSpec, QuietOffset, RouteSpec, RuleSpec, Table, TableBuilder, TargetSpec,
    UtcOffsets, Velocity, stable_hash,
};
use brivas_smpp::CommandStatus;
use v1::policy_rule::Check as SaidCheck;

use super::conditions::{Reading, offset, rewrite, windows};
use crate::error::EngineError;

/// Compiles the routes. `carrier` gives the number of a carrier's name, or says that there is none.
pub(crate) fn table(
    routes: &[v1::Route],
    reading: &Reading<'_>,
    carrier: impl Fn(&str) -> Result<u32, EngineError>,
) -> Result<Table, EngineError> {
    let mut table = TableBuilder::new();
    for route in routes {
        let of_route = |error: EngineError| named(&format!("route {:?}", route.name), &error);
        let targets = route.targets.iter().map(|target| {
            Ok(TargetSpec {
                carrier: carrier(&target.carrier).map_err(of_route)?,
                priority: target.priority,
                weight: target.weight,
                // By name: a restart may number the carriers anew, and must not move their destinations.
                stable: stable_hash(target.carrier.as_bytes()),
                price: target.price,
                rewrite: target.rewrite.as_ref().map(rewrite),
            })
        });
        let targets = targets.collect::<Result<_, EngineError>>()?;
        let account =
            |name: &str| (!name.is_empty()).then(|| (reading.account)(name)).transpose().map_err(of_route);
        let (owner, to_account) = (account(&route.account)?, account(&route.to_account)?);
        let direction = direction(route.direction());
        let balance = match route.balance() {
            v1::Balance::Destination => Balance::Destination,
            v1::Balance::Message => Balance::Message,
            v1::Balance::LeastCost => Balance::LeastCost,
        };
        let rewrite = route.rewrite.as_ref().map(rewrite);
        let name = route.name.clone();
        let Some(when) = &route.when else {
            let prefix = route.prefix.clone();
            let spec =
                RouteSpec { name, direction, prefix, account: owner, targets, balance, to_account, rewrite };
            table = table.add(spec);
            continue;
        };
        if !route.prefix.is_empty() || owner.is_some() {
            let what = "prefix and account of a route with conditions; hint: put them into the conditions";
            return Err(of_route(EngineError::Config(what.to_owned())));
        }
        let when = reading.conditions(&format!("route {name:?}"), when)?;
        let order = route.order;
        table =
            table.add_rule(RuleSpec { name, direction, order, when, targets, balance, to_account, rewrite });
    }
    Ok(table.build()?)
}

/// Compiles the policy.
pub(crate) fn policy(
    snapshot: &v1::Snapshot,
    reading: &Reading<'_>,
    suppressions: std::sync::Arc<brivas_route::Suppressions>,
    offsets: UtcOffsets,
) -> Result<Policy, EngineError> {
    let mut policy = PolicyBuilder::new().suppressions(suppressions).offsets(offsets);
    for rule in &snapshot.policy_rules {
        let of_rule = |what: String| EngineError::Config(format!("policy rule {:?}: {what}", rule.name));
        let when =
            rule.when.as_ref().map(|when| reading.conditions(&format!("policy rule {:?}", rule.name), when));
        let check = match &rule.check {
            None => Check::Always,
            Some(SaidCheck::Suppressed(_)) => Check::Suppressed,
            Some(SaidCheck::Quiet(quiet)) => Check::Quiet {
                windows: windows(&quiet.windows),
                offset: quiet
                    .utc_offset_minutes
                    .map_or(QuietOffset::ByDestination, |minutes| QuietOffset::Minutes(offset(minutes))),
            },
            Some(SaidCheck::Velocity(velocity)) => Check::Velocity(Velocity {
                limit: velocity.limit,
                window_seconds: velocity.window_seconds,
                per: Per {
                    account: velocity.per_account,
                    sender: velocity.per_sender,
                    digits: u8::try_from(velocity.per_digits).unwrap_or(u8::MAX),
                },
            }),
        };
        let then = match rule.then() {
            v1::PolicyAction::Allow => Action::Allow,
            v1::PolicyAction::Quarantine => Action::Quarantine,
            v1::PolicyAction::Delay => Action::Delay,
            v1::PolicyAction::Refuse => {
                let known = CommandStatus::all().find(|status| status.name() == Some(rule.status.as_str()));
                let status = known.filter(|status| !status.is_ok()).ok_or_else(|| {
                    of_rule(format!(
                        "status {:?}; hint: the name of an error, as ESME_RSUBMITFAIL",
                        rule.status
                    ))
                })?;
                Action::Refuse { status: status.0 }
            }
        };
        let when = when.transpose()?.unwrap_or_default();
        policy = policy.add(PolicyRuleSpec { name: rule.name.clone(), order: rule.order, when, check, then });
    }
    let built =
        consent_words(snapshot.consent_words.as_ref()).and_then(|words| policy.consent_words(words).build());
    built.map_err(|error| EngineError::Config(format!("policy: {error}")))
}

fn consent_words(said: Option<&v1::ConsentWords>) -> Result<ConsentWords, brivas_route::PolicyError> {
    let (words, built_in) = said.map_or((&[][..], true), |said| (&said.words, said.built_in));
    let said = words.iter().map(|word| ConsentWord {
        phrase: word.phrase.clone(),
        consent: if word.start { Consent::Start } else { Consent::Stop },
        alone: word.alone,
    });
    let is_said = |phrase: &str| words.iter().any(|word| word.phrase.trim().to_lowercase() == phrase);
    let known = CONSENT_WORDS.iter().filter(|(phrase, _)| built_in && !is_said(phrase));
    let known =
        known.map(|&(phrase, consent)| ConsentWord { phrase: phrase.to_owned(), consent, alone: true });
    ConsentWords::build(said.chain(known))
}

pub(crate) const fn direction(said: v1::Direction) -> Direction {
    match said {
        v1::Direction::Mt => Direction::Mt,
        v1::Direction::Mo => Direction::Mo,
    }
}

/// An error with the resource that it is about.
fn named(what: &str, error: &EngineError) -> EngineError {
    let text = error.to_string();
    EngineError::Config(format!("{what}: {}", text.strip_prefix("configuration: ").unwrap_or(&text)))
}
