//! Values of JavaScript that no type of Rust's library stands for.

use std::fmt;
use std::time::{Duration, SystemTime};

use belljar_abi::values::{MAGIC, TIME, Tag};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Value;
use super::encode::push_utf8;

/// The names under which the types of this file pass themselves to the serializers of this crate.
pub(super) const MAP: &str = "$belljar::Map";
pub(super) const SET: &str = "$belljar::Set";
pub(super) const DATE: &str = "$belljar::Date";

/// Bytes: a Uint8Array in a script. Read from an ArrayBuffer, a typed array or a DataView, they are its bytes.
///
/// Types that serde gives bytes, such as those of the crate `serde_bytes`, cross in the same way. A `Vec<u8>` alone is
/// an array of numbers to serde, and so it is in a script.
///
/// ```
/// use belljar::js::Bytes;
/// # use belljar::{Call, Limits, Router, Runtime};
/// let router = Router::new().handle("reverse", |_: &Call, Bytes(mut bytes): Bytes| {
///     bytes.reverse();
///     Ok(Bytes(bytes))
/// });
/// let mut jar = Runtime::new()?.instance(&router, &Limits::default())?;
/// let value = jar.eval("host.rpcSync('reverse', new Uint8Array([1, 2, 3]))")?;
/// assert_eq!(value.as_str(), "Uint8Array(3)[3,2,1]");
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }

            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Bytes, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = seq.next_element()? {
                    bytes.push(byte);
                }
                Ok(Bytes(bytes))
            }
        }
        deserializer.deserialize_byte_buf(Parts)
    }
}

/// A Date: milliseconds since the Unix epoch, `NaN` for an invalid one.
///
/// A Date that is read as another type is its ISO 8601 text for a string, and its milliseconds for a number.
///
/// ```
/// use belljar::js::Date;
/// # use belljar::{Limits, Router, Runtime};
/// # use std::time::{Duration, SystemTime};
/// # let mut jar = Runtime::new()?.instance(&Router::new(), &Limits::default())?;
/// let value = jar.eval("new Date(86_400_000)")?;
/// assert_eq!(value.get::<Date>()?.to_system_time(), Some(SystemTime::UNIX_EPOCH + Duration::from_secs(86_400)));
/// assert_eq!(value.get::<String>()?, "1970-01-02T00:00:00.000Z");
/// assert_eq!(value.get::<u64>()?, 86_400_000);
///
/// jar.eval("host.on('year', date => date.getUTCFullYear())")?;
/// assert_eq!(jar.dispatch("year", &Date(0.0))?.get::<u32>()?, 1970);
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Date(pub f64);

impl Date {
    /// The time; None for an invalid date, and for one that the system cannot represent.
    #[must_use]
    pub fn to_system_time(self) -> Option<SystemTime> {
        let time = Duration::try_from_secs_f64(self.0.abs() / 1000.0).ok()?;
        let time = Duration::from_millis(u64::try_from((time + Duration::from_micros(500)).as_millis()).ok()?);
        if self.0 < 0.0 { SystemTime::UNIX_EPOCH.checked_sub(time) } else { SystemTime::UNIX_EPOCH.checked_add(time) }
    }
}

/// Whole milliseconds, of which a Date consists.
impl From<SystemTime> for Date {
    fn from(time: SystemTime) -> Date {
        Date(match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => (since.as_secs_f64() * 1000.0).floor(),
            Err(before) => -(before.duration().as_secs_f64() * 1000.0).ceil(),
        })
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // As a Date takes it: whole milliseconds within its range.
        let time = if self.0.abs() <= TIME { self.0.trunc() + 0.0 } else { f64::NAN };
        let message = [&[MAGIC, Tag::Date as u8], time.to_le_bytes().as_slice()].concat();
        Value::from_wire_unread(message).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = Date;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a Date")
            }

            fn visit_f64<E: de::Error>(self, time: f64) -> Result<Date, E> {
                Ok(Date(time))
            }

            fn visit_i64<E: de::Error>(self, time: i64) -> Result<Date, E> {
                #[allow(clippy::cast_precision_loss, reason = "times of a Date are exact")]
                Ok(Date(time as f64))
            }

            fn visit_u64<E: de::Error>(self, time: u64) -> Result<Date, E> {
                #[allow(clippy::cast_precision_loss, reason = "times of a Date are exact")]
                Ok(Date(time as f64))
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Date, D::Error> {
                f64::deserialize(inner).map(Date)
            }
        }
        deserializer.deserialize_newtype_struct(DATE, Parts)
    }
}

/// A BigInt, also where a number would do. Integers of Rust beyond 2^53 cross as BigInts without it, and BigInts are
/// read as any integer that they fit in, or as a string of decimal digits.
///
/// ```
/// use belljar::js::BigInt;
/// # use belljar::{Limits, Router, Runtime};
/// # let mut jar = Runtime::new()?.instance(&Router::new(), &Limits::default())?;
/// jar.eval("host.on('kind', value => typeof value)")?;
/// assert_eq!(jar.dispatch("kind", &BigInt(1))?.as_str(), r#""bigint""#);
/// assert_eq!(jar.eval("2n ** 100n")?.get::<u128>()?, 1 << 100);
/// assert_eq!(jar.eval("10n ** 50n")?.get::<String>()?, format!("1{}", "0".repeat(50)));
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BigInt(pub i128);

impl Serialize for BigInt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut message = vec![MAGIC];
        push_utf8(&mut message, Tag::BigInt, self.0.to_string().as_bytes());
        Value::from_wire_unread(message).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for BigInt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<BigInt, D::Error> {
        i128::deserialize(deserializer).map(BigInt)
    }
}

/// A Map, with its entries in their order. A map of Rust whose keys are strings or numbers is an object in a script.
///
/// ```
/// use belljar::js::Map;
/// # use belljar::{Limits, Router, Runtime};
/// # let mut jar = Runtime::new()?.instance(&Router::new(), &Limits::default())?;
/// jar.eval("host.on('get', map => map.get(2))")?;
/// let map: Map<u32, &str> = [(1, "one"), (2, "two")].into_iter().collect();
/// assert_eq!(jar.dispatch("get", &map)?.as_str(), r#""two""#);
/// assert_eq!(jar.eval("new Map([[1, true]])")?.get::<Map<u32, bool>>()?.0, [(1, true)]);
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map<K, V>(pub Vec<(K, V)>);

impl<K, V> Default for Map<K, V> {
    fn default() -> Map<K, V> {
        Map(Vec::new())
    }
}

impl<K, V> FromIterator<(K, V)> for Map<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Map<K, V> {
        Map(entries.into_iter().collect())
    }
}

impl<K: Serialize, V: Serialize> Serialize for Map<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Entries<'a, K, V>(&'a [(K, V)]);
        impl<K: Serialize, V: Serialize> Serialize for Entries<'_, K, V> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(Some(self.0.len()))?;
                for (key, value) in self.0 {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
        serializer.serialize_newtype_struct(MAP, &Entries(&self.0))
    }
}

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Map<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Map<K, V>, D::Error> {
        struct Parts<K, V>(std::marker::PhantomData<(K, V)>);
        impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for Parts<K, V> {
            type Value = Map<K, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a Map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Map<K, V>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Map(entries))
            }
        }
        deserializer.deserialize_map(Parts(std::marker::PhantomData))
    }
}

/// A Set, with its members in their order. It is read from a Set and from an array.
///
/// ```
/// use belljar::js::Set;
/// # use belljar::{Limits, Router, Runtime};
/// # let mut jar = Runtime::new()?.instance(&Router::new(), &Limits::default())?;
/// jar.eval("host.on('has', set => set.has('b'))")?;
/// assert_eq!(jar.dispatch("has", &Set(vec!["a", "b"]))?.as_str(), "true");
/// assert_eq!(jar.eval("new Set([1, 2])")?.get::<Vec<u32>>()?, [1, 2]);
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set<T>(pub Vec<T>);

impl<T> Default for Set<T> {
    fn default() -> Set<T> {
        Set(Vec::new())
    }
}

impl<T> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(members: I) -> Set<T> {
        Set(members.into_iter().collect())
    }
}

impl<T: Serialize> Serialize for Set<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(SET, &self.0)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Set<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Set<T>, D::Error> {
        Vec::deserialize(deserializer).map(Set)
    }
}
