//! Passing events on to several sinks.

use grade_actors::event::{EventSink, ServerEvent, SharedSink};

/// Several sinks as one, in order.
pub struct Fanout(Vec<SharedSink>);

impl Fanout {
    /// A sink that passes each event on to these.
    pub fn new(sinks: Vec<SharedSink>) -> Self {
        Self(sinks)
    }
}

impl EventSink for Fanout {
    fn emit(&self, event: &ServerEvent<'_>) {
        for sink in &self.0 {
            // What one sink wants is not given to another that does not.
            if sink.wants_requests() || !matches!(event, ServerEvent::Answered { .. }) {
                sink.emit(event);
            }
        }
    }

    fn wants_requests(&self) -> bool {
        self.0.iter().any(|sink| sink.wants_requests())
    }
}
