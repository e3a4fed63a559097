//! Who hears of what happens: the console, and the audit if there is one.

use std::sync::Arc;

use grade_actors::event::{EventSink, ServerEvent};

use crate::audit::AuditLog;
use crate::console::{Console, Notice};

/// Passes on what it is told.
pub(crate) struct Fanout {
    pub(crate) console: Arc<Console>,
    pub(crate) audit: Option<Arc<AuditLog>>,
}

impl Fanout {
    /// Tells what the program itself has to tell.
    pub(crate) fn notice(&self, notice: &Notice<'_>) {
        self.console.notice(notice);
        if let (Some(audit), Notice::Kept(edition, reason)) = (&self.audit, notice) {
            audit.reload_refused(*edition, reason);
        }
    }
}

impl EventSink for Fanout {
    fn emit(&self, event: &ServerEvent<'_>) {
        self.console.emit(event);
        if let Some(audit) = &self.audit {
            audit.emit(event);
        }
    }

    fn wants_requests(&self) -> bool {
        self.console.wants_requests()
    }
}
