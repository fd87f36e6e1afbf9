//! The time that scripts see. Limits never use it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The clock that `Date` and `performance.now` of an instance read.
///
/// ```
/// use belljar::{Clock, Limits, Router, Runtime};
/// use std::time::Duration;
///
/// let runtime = Runtime::new()?;
/// let noon = Clock::Fixed(Duration::from_secs(43_200));
/// let mut jar = runtime.build_instance().clock(noon).start(&Router::new(), &Limits::default())?;
/// assert_eq!(jar.eval("new Date().toISOString()")?.get::<String>()?, "1970-01-01T12:00:00.000Z");
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Clock {
    /// The system's clock.
    #[default]
    System,
    /// A clock that always shows this moment, given as the time since the Unix epoch.
    Fixed(Duration),
    /// A clock that advances by a step each time it is read.
    Stepped {
        /// The first reading, as the time since the Unix epoch.
        start: Duration,
        /// How far each reading advances the clock.
        step: Duration,
    },
}

impl Clock {
    /// The next reading, as the time since the Unix epoch, without advancing the clock; None for the system's clock.
    pub(crate) fn peek(&self) -> Option<Duration> {
        match self {
            Clock::System => None,
            Clock::Fixed(at) | Clock::Stepped { start: at, .. } => Some(*at),
        }
    }

    /// Microseconds since the Unix epoch; None for the system's clock.
    pub(crate) fn tick(&mut self) -> Option<i64> {
        let (now, next) = match self {
            Clock::System => return None,
            Clock::Fixed(at) => (*at, None),
            Clock::Stepped { start, step } => (*start, start.checked_add(*step)),
        };
        if let (Clock::Stepped { start, .. }, Some(next)) = (self, next) {
            *start = next;
        }
        // A moment beyond the range of a script becomes the last one in range. Falling back to the system's clock
        // would break determinism.
        Some(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
    }

    /// Nanoseconds for `performance.now`; None for the system's clock.
    pub(crate) fn tick_monotonic(&mut self) -> Option<i64> {
        self.tick().map(|micros| micros.saturating_mul(1000))
    }
}
