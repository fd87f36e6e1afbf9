//! Scripts that wait for an answer which comes later: what the client of JSON lines is told of them, and how they go
//! on.
//!
//! It owns the shapes of both lines, and their bounds. It must never know the jars or the order of lines.

use std::collections::HashSet;
use std::fmt;
use std::time::UNIX_EPOCH;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use belljar::{Answer, CallId, Instance, PendingCall, Snapshot, Value};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::artefact;
use crate::ending::Refusal;
use crate::forward::Fault;
use crate::key::Key;
use crate::lines;
use crate::plain;

/// The most answers of one line. The calls behind them stay paused.
const MOST_ANSWERS: usize = 1024;

/// The longest snapshot in an answer. The line that sends it back has room for answers to the calls too.
const MOST_SNAPSHOT: usize = lines::MOST_BYTES - (1 << 20);

/// What a client is told when a script waits.
#[derive(Serialize)]
pub(crate) struct Paused {
    calls: Vec<Waiting>,
    /// None when it is too large for a line. The script can then go on in its instance.
    snapshot: Option<String>,
}

/// A call that waits.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Waiting {
    id: CallId,
    method: String,
    #[serde(skip_serializing_if = "Value::is_undefined")]
    params: Value,
    /// When the script made the call, in milliseconds since 1970, by the clock of the script.
    made_at: u64,
}

impl Waiting {
    pub(crate) fn of(call: &PendingCall) -> Waiting {
        let since = call.made_at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let made_at = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        Waiting { id: call.id, method: call.method.clone(), params: plain::or_text(&call.params), made_at }
    }

    pub(crate) fn method(&self) -> &str {
        &self.method
    }
}

impl Paused {
    pub(crate) fn new(calls: &[PendingCall], snapshot: &Snapshot, key: Option<&Key>) -> belljar::Result<Paused> {
        let bytes = artefact::packed(snapshot, key)?;
        let fits = bytes.len() / 3 * 4 <= MOST_SNAPSHOT;
        Ok(Paused { calls: calls.iter().map(Waiting::of).collect(), snapshot: fits.then(|| BASE64.encode(bytes)) })
    }
}

/// A request that goes on with a script that waits.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resume {
    answers: Answers,
    /// The snapshot of the script, when it does not wait in this instance.
    pub(crate) snapshot: Option<String>,
    /// Whether the script gets the budget of a new call.
    #[serde(default, rename = "renewBudget")]
    renew_budget: bool,
}

impl Resume {
    /// # Errors
    ///
    /// When none of these calls is paused, or when an answer is for another one.
    pub(crate) fn check(&self, pending: &[PendingCall]) -> Result<(), Refusal> {
        let refuse = |message: String| Err(Refusal::input(message));
        let pending: HashSet<CallId> = pending.iter().map(|call| call.id).collect();
        if pending.is_empty() {
            return refuse("nothing is paused here; a resume goes with the snapshot of a paused script".into());
        }
        let mut named = HashSet::new();
        for (id, _) in &self.answers.0 {
            if !pending.contains(id) {
                return refuse(format!("no call that is paused here has the id {id}"));
            }
            if !named.insert(*id) {
                return refuse(format!("the call {id} has two answers"));
            }
        }
        Ok(())
    }

    /// The answers for an instance. It also renews the budget of the instance, where that was asked.
    pub(crate) fn ready(self, instance: &mut Instance) -> Result<Vec<(CallId, Answer)>, Refusal> {
        self.check(instance.pending())?;
        if self.renew_budget {
            instance.renew_budget();
        }
        Ok(self.answers.0)
    }
}

/// Answers to calls.
struct Answers(Vec<(CallId, Answer)>);

/// One answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    id: CallId,
    #[serde(default)]
    result: Value,
    error: Option<Fault>,
}

impl From<Answered> for (CallId, Answer) {
    fn from(answered: Answered) -> (CallId, Answer) {
        let answer = match answered.error {
            Some(fault) => Answer::Error(fault.into()),
            None => Answer::Result(answered.result),
        };
        (answered.id, answer)
    }
}

impl<'de> Deserialize<'de> for Answers {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Answers, D::Error> {
        struct Few;
        impl<'de> Visitor<'de> for Few {
            type Value = Answers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {MOST_ANSWERS} answers")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Answers, A::Error> {
                let mut answers = Vec::new();
                while let Some(answered) = list.next_element::<Answered>()? {
                    if answers.len() == MOST_ANSWERS {
                        return Err(A::Error::invalid_length(answers.len() + 1, &self));
                    }
                    answers.push(answered.into());
                }
                Ok(Answers(answers))
            }
        }
        value.deserialize_seq(Few)
    }
}
