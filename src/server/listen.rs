//! The listening sockets: from the service manager, or our own.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use grade_actors::bind;
use listenfd::ListenFd;
use tokio::net::TcpListener;

use crate::settings::{Settings, exposure_text};

/// Listens on all addresses.
///
/// # Errors
/// Returns an error if an address is taken or not allowed.
pub(super) fn listen(settings: &Settings) -> anyhow::Result<Vec<TcpListener>> {
    let mut sockets = from_service_manager()?;
    if sockets.is_empty() {
        for address in &settings.listen {
            sockets.push(
                bind(*address).map_err(|error| listen_error(*address, "server.listen", error))?,
            );
        }
    }
    // A socket from the service manager may have another address than the settings.
    for address in addresses(&sockets)? {
        if let Err(exposure) = settings.profile.check_exposure(address.ip()) {
            bail!("cannot listen on {address}: {}", exposure_text(exposure));
        }
    }
    Ok(sockets)
}

/// Listens for browsers.
///
/// # Errors
/// Returns an error if the address is taken or not allowed.
pub(super) fn bind_http(address: SocketAddr) -> anyhow::Result<TcpListener> {
    bind(address).map_err(|error| listen_error(address, "http.listen", error))
}

/// The addresses of sockets, with the actual ports.
///
/// # Errors
/// Returns an error if a socket has no address.
pub(super) fn addresses(sockets: &[TcpListener]) -> io::Result<Vec<SocketAddr>> {
    sockets.iter().map(TcpListener::local_addr).collect()
}

fn from_service_manager() -> anyhow::Result<Vec<TcpListener>> {
    let mut given = ListenFd::from_env();
    let mut sockets = Vec::new();
    for at in 0..given.len() {
        if let Some(socket) = given.take_tcp_listener(at)? {
            socket.set_nonblocking(true)?;
            let socket = TcpListener::from_std(socket);
            sockets.push(socket.context("the socket from the service manager is not usable")?);
        }
    }
    Ok(sockets)
}

fn listen_error(address: SocketAddr, setting: &str, error: io::Error) -> anyhow::Error {
    let remedy = match error.kind() {
        ErrorKind::AddrInUse => "stop the other server on this port, or choose another port",
        ErrorKind::PermissionDenied => {
            "ports below 1024 need a privilege: choose a port from 1024 on, or let systemd open it"
        }
        ErrorKind::AddrNotAvailable => "choose an address of this machine",
        _ => "check the address",
    };
    anyhow::Error::new(error).context(format!("cannot listen on {address} ({setting}); {remedy}"))
}
