//! The service manager as a sink: readiness and status (sd_notify(3)), if there is one.

use grade_actors::event::{EventSink, ServerEvent};
use sd_notify::NotifyState;

/// Notifies systemd.
pub struct Systemd;

impl EventSink for Systemd {
    fn emit(&self, event: &ServerEvent<'_>) {
        match event {
            ServerEvent::Listening(_) => notify(NotifyState::Ready),
            ServerEvent::Draining(_) => notify(NotifyState::Stopping),
            ServerEvent::AuditFailed(reason) => {
                let status = format!("refusing requests: cannot write the audit log: {reason}");
                notify(NotifyState::Status(&status));
            }
            ServerEvent::AuditResumed(_) => notify(NotifyState::Status("serving")),
            _ => {}
        }
    }
}

fn notify(state: NotifyState<'_>) {
    // Without a service manager there is nobody to notify.
    drop(sd_notify::notify(&[state]));
}
