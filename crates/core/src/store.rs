//! Values that clients keep in the daemon, by namespace and key, as `supervisor_cache` does.
//!
//! They last as long as the daemon serves. A value is bytes to the core; what they mean is known at the edge.

use provost_model::fault::{Fault, FaultCode};
use provost_model::{Answer, CacheDeed, Reply};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Keys of one store. Such stores hold settings and small results; beyond this somebody forgets to delete.
const KEYS_MAX: usize = 10_000;

/// Bytes of one store, keys and values together: four of the largest values that a request can carry. What is kept here
/// is memory of the daemon, which must not grow without bound.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// All stores.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Stores {
    by_namespace: BTreeMap<String, Store>,
}

/// One store.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Store {
    #[serde(with = "provost_model::saved::bytes_by_name")]
    values: BTreeMap<String, Arc<[u8]>>,
    /// Bytes of all keys and values. Follows from them.
    #[serde(skip)]
    bytes: usize,
}

impl Stores {
    /// Does what a client asks of the store of a namespace.
    pub(crate) fn act(&mut self, namespace: String, deed: CacheDeed) -> Answer {
        let store = self.by_namespace.entry(namespace).or_default();
        match deed {
            CacheDeed::Keys => Ok(Reply::Names(store.values.keys().cloned().collect())),
            CacheDeed::Count => Ok(Reply::Count(store.values.len())),
            CacheDeed::Store { key, value } => store.keep(key, value),
            CacheDeed::Fetch { key } => match store.values.get(&key) {
                Some(value) => Ok(Reply::Stored(value.clone())),
                None => Err(Fault::bare(FaultCode::BadName)),
            },
            CacheDeed::Delete { key } => {
                if let Some(value) = store.values.remove(&key) {
                    store.bytes = store.bytes.saturating_sub(weight(&key, &value));
                }
                Ok(Reply::Done)
            }
            CacheDeed::Clear => {
                *store = Store::default();
                Ok(Reply::Done)
            }
        }
    }

    /// Puts in place what is not saved.
    pub(crate) fn restore(&mut self) {
        for store in self.by_namespace.values_mut() {
            let weights = store.values.iter().map(|(key, value)| weight(key, value));
            store.bytes = weights.fold(0, usize::saturating_add);
        }
    }

    /// How many values each namespace has.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&str, usize)> {
        let stores = self.by_namespace.iter();
        stores.map(|(namespace, store)| (namespace.as_str(), store.values.len()))
    }
}

impl Store {
    /// Keeps a value in place of the one that the key has, if there is room.
    fn keep(&mut self, key: String, value: Arc<[u8]>) -> Answer {
        let old = self.values.get(&key);
        let freed = old.map_or(0, |old| weight(&key, old));
        if old.is_none() && self.values.len() >= KEYS_MAX {
            let text = format!("the store has {KEYS_MAX} keys, no more are taken; delete some");
            return Err(Fault::about(FaultCode::Failed, text));
        }
        let others = self.bytes.saturating_sub(freed);
        let bytes = others.saturating_add(weight(&key, &value));
        if bytes > BYTES_MAX {
            let text = format!(
                "the store would have {bytes} bytes, at most {BYTES_MAX} are kept; delete some keys"
            );
            return Err(Fault::about(FaultCode::Failed, text));
        }
        self.bytes = bytes;
        self.values.insert(key, value);
        Ok(Reply::Done)
    }
}

fn weight(key: &str, value: &[u8]) -> usize {
    key.len().saturating_add(value.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(stores: &mut Stores, key: &str, bytes: usize) -> String {
        let deed = CacheDeed::Store {
            key: key.to_owned(),
            value: vec![b'x'; bytes].into(),
        };
        told(stores.act("cache".to_owned(), deed))
    }

    fn act(stores: &mut Stores, namespace: &str, deed: CacheDeed) -> String {
        told(stores.act(namespace.to_owned(), deed))
    }

    fn told(answer: Answer) -> String {
        match answer {
            Ok(reply) => format!("{reply:?}"),
            Err(fault) => fault.to_string(),
        }
    }

    fn key(key: &str) -> String {
        key.to_owned()
    }

    #[test]
    fn values_are_kept_by_namespace_and_key() {
        let mut stores = Stores::default();
        assert_eq!(store(&mut stores, "b", 1), "Done");
        assert_eq!(store(&mut stores, "a", 2), "Done");
        let of = |stores: &mut Stores, namespace, deed| act(stores, namespace, deed);
        let keys = of(&mut stores, "cache", CacheDeed::Keys);
        assert_eq!(keys, "Names([\"a\", \"b\"])");
        assert_eq!(of(&mut stores, "other", CacheDeed::Count), "Count(0)");
        let fetched = of(&mut stores, "cache", CacheDeed::Fetch { key: key("b") });
        assert_eq!(fetched, "Stored([120])");
        for _ in 0..2 {
            let deleted = of(&mut stores, "cache", CacheDeed::Delete { key: key("b") });
            assert_eq!(deleted, "Done");
        }
        let fetched = of(&mut stores, "cache", CacheDeed::Fetch { key: key("b") });
        assert_eq!(fetched, "BAD_NAME");
        assert_eq!(of(&mut stores, "cache", CacheDeed::Clear), "Done");
        assert_eq!(of(&mut stores, "cache", CacheDeed::Count), "Count(0)");
    }

    #[test]
    fn a_full_store_takes_nothing_new_and_loses_nothing() {
        let mut stores = Stores::default();
        assert_eq!(store(&mut stores, "a", BYTES_MAX - 2), "Done");
        assert_eq!(store(&mut stores, "b", 0), "Done");
        let refused = store(&mut stores, "c", 0);
        assert!(
            refused.starts_with("FAILED: the store would have 16777217 bytes, at most 16777216"),
            "{refused}"
        );
        // A smaller value in place of the large one makes room again.
        assert_eq!(store(&mut stores, "a", 10), "Done");
        assert_eq!(store(&mut stores, "c", BYTES_MAX - 13), "Done");
        assert!(store(&mut stores, "b", 1).starts_with("FAILED"));
        act(&mut stores, "cache", CacheDeed::Delete { key: key("a") });
        assert_eq!(store(&mut stores, "b", 1), "Done");
    }

    #[test]
    fn there_are_only_so_many_keys() {
        let mut stores = Stores::default();
        for number in 0..KEYS_MAX {
            assert_eq!(store(&mut stores, &number.to_string(), 1), "Done");
        }
        assert!(store(&mut stores, "one more", 1).starts_with("FAILED: the store has 10000 keys"));
        assert_eq!(store(&mut stores, "0", 2), "Done");
    }
}
