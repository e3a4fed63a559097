//! Who hears of what happens: the console, and the audit if there is one.

use std::sync::Arc;

use grade_actors::event::{Event, Tell};

use crate::audit::AuditLog;
use crate::console::{Console, Notice};

/// Passes on what it is told.
pub(crate) struct Herald {
    pub(crate) console: Arc<Console>,
    pub(crate) audit: Option<Arc<AuditLog>>,
}

impl Herald {
    /// Tells what the program itself has to tell.
    pub(crate) fn notice(&self, notice: &Notice<'_>) {
        self.console.notice(notice);
        if let (Some(audit), Notice::Kept(edition, reason)) = (&self.audit, notice) {
            audit.reload_refused(*edition, reason);
        }
    }
}

impl Tell for Herald {
    fn tell(&self, event: &Event<'_>) {
        self.console.tell(event);
        if let Some(audit) = &self.audit {
            audit.tell(event);
        }
    }

    fn wants_requests(&self) -> bool {
        self.console.wants_requests()
    }
}
