//! Counters: plain integers where they are counted, published as atomics once a batch for whoever looks on.

use std::sync::atomic::{AtomicU64, Ordering};

/// Defines a struct of counters with their names and values in one order.
macro_rules! counters {
    ($(#[$doc:meta])* $name:ident { $($field:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, serde::Serialize)]
        pub(crate) struct $name { $(pub(crate) $field: u64,)* }

        impl $name {
            pub(crate) const NAMES: &'static [&'static str] = &[$(stringify!($field),)*];

            pub(crate) fn publish(&self, live: &$crate::counters::Live) {
                live.store(&[$(self.$field,)*]);
            }
        }
    };
}
pub(crate) use counters;

/// The counters as others see them.
#[derive(Debug)]
pub(crate) struct Live {
    names: &'static [&'static str],
    values: Box<[AtomicU64]>,
}

impl Live {
    pub(crate) fn new(names: &'static [&'static str]) -> Self {
        Self { names, values: names.iter().map(|_| AtomicU64::new(0)).collect() }
    }

    pub(crate) fn store(&self, values: &[u64]) {
        for (live, value) in self.values.iter().zip(values) {
            live.store(*value, Ordering::Relaxed);
        }
    }

    pub(crate) fn object(&self) -> serde_json::Map<String, serde_json::Value> {
        let values = self.values.iter().map(|value| value.load(Ordering::Relaxed));
        self.names.iter().zip(values).map(|(name, value)| ((*name).to_owned(), value.into())).collect()
    }
}
