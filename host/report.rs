//! The serialized forms of statistics, limits and errors, the same for JSON lines, responses and logs. It must never
//! know who reads them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::error::{Blame, Error, JsError};
use crate::limits::{Limits, OPCODES_PER_POLL};
use crate::stats::{RuntimeStats, Stats};
use crate::value::Value;

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// `{"calls", "fuel", "opcodes", "cpuTimeUs", "wallTimeUs", "handlerTimeUs", "rpcCalls", "droppedCalls", "bytesIn",
/// "bytesOut", "heapBytes", "heapPeakBytes", "memoryBytes"}`, the names of the JSON lines.
impl Serialize for Stats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Stats", 13)?;
        fields.serialize_field("calls", &self.calls)?;
        fields.serialize_field("fuel", &self.fuel)?;
        fields.serialize_field("opcodes", &self.polls.saturating_mul(OPCODES_PER_POLL))?;
        fields.serialize_field("cpuTimeUs", &micros(self.cpu_time))?;
        fields.serialize_field("wallTimeUs", &micros(self.wall_time))?;
        fields.serialize_field("handlerTimeUs", &micros(self.handler_time))?;
        fields.serialize_field("rpcCalls", &self.rpc_calls)?;
        fields.serialize_field("droppedCalls", &self.dropped_calls)?;
        fields.serialize_field("bytesIn", &self.bytes_in)?;
        fields.serialize_field("bytesOut", &self.bytes_out)?;
        fields.serialize_field("heapBytes", &self.heap_bytes)?;
        fields.serialize_field("heapPeakBytes", &self.heap_peak_bytes)?;
        fields.serialize_field("memoryBytes", &self.memory_bytes)?;
        fields.end()
    }
}

/// Each field by its name in camel case; `residentBytes` is `null` if the system does not report it.
impl Serialize for RuntimeStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("RuntimeStats", 11)?;
        fields.serialize_field("instancesInUse", &self.instances_in_use)?;
        fields.serialize_field("instancesFree", &self.instances_free)?;
        fields.serialize_field("waiting", &self.waiting)?;
        fields.serialize_field("made", &self.made)?;
        fields.serialize_field("reset", &self.reset)?;
        fields.serialize_field("poisoned", &self.poisoned)?;
        fields.serialize_field("refused", &self.refused)?;
        fields.serialize_field("images", &self.images)?;
        fields.serialize_field("imageBytes", &self.image_bytes)?;
        fields.serialize_field("mappedBytes", &self.mapped_bytes)?;
        fields.serialize_field("residentBytes", &self.resident_bytes)?;
        fields.end()
    }
}

/// Each field by its name in camel case; times in microseconds, and `null` for no limit.
impl Serialize for Limits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Limits", 12)?;
        fields.serialize_field("fuel", &self.fuel)?;
        fields.serialize_field("opcodes", &self.opcodes)?;
        fields.serialize_field("cpuTimeUs", &micros(self.cpu_time))?;
        fields.serialize_field("wallTimeUs", &micros(self.wall_time))?;
        fields.serialize_field("jsHeapBytes", &self.js_heap_bytes)?;
        fields.serialize_field("memoryBytes", &self.memory_bytes)?;
        fields.serialize_field("stackBytes", &self.stack_bytes)?;
        fields.serialize_field("pendingRpcs", &self.pending_rpcs)?;
        fields.serialize_field("rpcCalls", &self.rpc_calls)?;
        fields.serialize_field("messageBytes", &self.message_bytes)?;
        fields.serialize_field("sourceBytes", &self.source_bytes)?;
        fields.serialize_field("consoleBytes", &self.console_bytes)?;
        fields.end()
    }
}

impl Serialize for Blame {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Blame::Script => "script",
            Blame::Limits => "limits",
            Blame::Caller => "caller",
            Blame::Host => "host",
        })
    }
}

/// `{"name", "message", "stack", "code", "method", "properties", "errors", "cause", "thrown", "frame"}`. All fields
/// except the first two are left out if there is no value.
impl Serialize for JsError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("JsError", 10)?;
        fields.serialize_field("name", &self.name)?;
        fields.serialize_field("message", &self.message)?;
        optional(&mut fields, "stack", self.stack.as_ref())?;
        optional(&mut fields, "code", self.code().as_ref())?;
        optional(&mut fields, "method", self.method().as_ref())?;
        let properties: BTreeMap<&str, &Value> = self.properties().collect();
        optional(&mut fields, "properties", Some(&properties).filter(|all| !all.is_empty()))?;
        optional(&mut fields, "errors", Some(&self.errors()).filter(|all| !all.is_empty()))?;
        optional(&mut fields, "cause", self.cause.as_ref())?;
        optional(&mut fields, "thrown", self.thrown.as_ref())?;
        optional(&mut fields, "frame", self.frame().as_ref())?;
        fields.end()
    }
}

/// `{"code", "blame", "message"}`, and `"js"` with what a script threw, or `"limit"` with the limit that was hit.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Hit {
            field: &'static str,
            value: u64,
            unit: &'static str,
        }
        let (js, limit) = match self {
            Error::Js(js) => (Some(js), None),
            Error::Limit { kind, limit, .. } => {
                (None, Some(Hit { field: kind.field(), value: *limit, unit: kind.unit() }))
            }
            _ => (None, None),
        };
        let mut fields = serializer.serialize_struct("Error", 5)?;
        fields.serialize_field("code", self.code())?;
        fields.serialize_field("blame", &self.blame())?;
        fields.serialize_field("message", &self.to_string())?;
        optional(&mut fields, "js", js)?;
        optional(&mut fields, "limit", limit.as_ref())?;
        fields.end()
    }
}

fn optional<F: SerializeStruct, T: Serialize>(
    fields: &mut F,
    name: &'static str,
    value: Option<&T>,
) -> Result<(), F::Error> {
    match value {
        Some(value) => fields.serialize_field(name, value),
        None => fields.skip_field(name),
    }
}
