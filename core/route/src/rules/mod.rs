//! Conditions of rules, and how the first rule that holds is found without looking at all of them.
//!
//! [`Conditions`] is what the configuration says. [`index::RuleIndex`] compiles the conditions of many rules; routes and
//! policies share it. [`why`] decides the same rule by rule from the words of the configuration: it is what
//! explanations are made of, and a check on the index.

pub(crate) mod conditions;
pub(crate) mod data_coding;
pub(crate) mod facts;
pub(crate) mod hours;
pub(crate) mod index;
pub(crate) mod links;
pub(crate) mod patterns;
pub(crate) mod residual;
pub(crate) mod scratch;
pub(crate) mod sender;
pub(crate) mod why;
pub(crate) mod words;
