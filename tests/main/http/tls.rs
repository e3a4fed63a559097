//! The page over TLS: certificates at the start and at SIGHUP, and the versions of TLS.

use std::fs;
use std::io::BufReader;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustix::process::Signal;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion, version,
};

use super::{HttpClient, page_port, settings};
use crate::harness::{Server, TIMEOUT, class_folder, ended, server_command, write_private};

const TLS: &str = "certificate = \"cert.pem\"\nkey = \"key.pem\"";

/// A new certificate for localhost, with its key.
pub(crate) fn certificate() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap()
}

/// Writes a certificate and its key into a folder.
pub(crate) fn write_certificate(folder: &Path, certified: &CertifiedKey<KeyPair>) {
    fs::write(folder.join("cert.pem"), certified.cert.pem()).unwrap();
    write_private(&folder.join("key.pem"), certified.signing_key.serialize_pem());
}

type TlsClient = HttpClient<StreamOwned<ClientConnection, TcpStream>>;

/// A client that accepts this certificate and no other.
fn connect(
    port: u16,
    trusted: &CertificateDer<'static>,
    versions: &[&'static SupportedProtocolVersion],
) -> TlsClient {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connection = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap());
    let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(TIMEOUT)).unwrap();
    HttpClient(BufReader::new(StreamOwned::new(connection.unwrap(), socket)))
}

fn start(certified: &CertifiedKey<KeyPair>) -> (Server, u16) {
    let (folder, path) = class_folder(&settings("", TLS, ""));
    write_certificate(folder.path(), certified);
    let mut server = Server::start_with(folder, server_command().arg("--config").arg(path));
    let port = page_port(&mut server);
    (server, port)
}

#[test]
fn the_page_is_served_in_tls_1_2_and_1_3() {
    let certified = certificate();
    let (_server, port) = start(&certified);
    for version in [&version::TLS12, &version::TLS13] {
        let mut client = connect(port, certified.cert.der(), &[version]);
        let page = client.get("/");
        assert_eq!(page.status(), 200);
        assert_eq!(page.header("strict-transport-security"), Some("max-age=31536000"));
        assert_eq!(client.ask("x").status(), 200, "on the same connection");
    }
}

#[test]
fn a_new_certificate_is_in_place_after_sighup_and_a_broken_one_changes_nothing() {
    let (old, new) = (certificate(), certificate());
    let (mut server, port) = start(&old);
    let is_served = |certified: &CertifiedKey<KeyPair>| {
        let mut client = connect(port, certified.cert.der(), &[&version::TLS13]);
        let stream = client.0.get_mut();
        stream.conn.complete_io(&mut stream.sock).is_ok()
    };
    let mut before = connect(port, old.cert.der(), &[&version::TLS13]);
    assert_eq!(before.get("/").status(), 200);
    write_certificate(server.folder.path(), &new);
    server.signal(Signal::HUP);
    server.prints("The new certificate is in place.");
    assert!(is_served(&new) && !is_served(&old));
    assert_eq!(before.get("/").status(), 200, "an open connection stays open");
    write_private(&server.folder.path().join("key.pem"), old.signing_key.serialize_pem());
    server.signal(Signal::HUP);
    let warning = server.prints("the certificate in use stays");
    assert!(
        warning.contains("key.pem: holds a private key that does not belong to the certificate")
    );
    write_certificate(server.folder.path(), &new);
    let key = server.folder.path().join("key.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    server.signal(Signal::HUP);
    let warning = server.prints("the certificate in use stays");
    assert!(warning.contains("contains a private key and other users can read it"), "{warning}");
    assert!(is_served(&new));
}

#[test]
fn a_certificate_that_cannot_be_used_prevents_the_start() {
    let good = certificate();
    let pem = good.cert.pem();
    let key = good.signing_key.serialize_pem();
    let other = certificate().signing_key.serialize_pem();
    for (chain, key, text) in [
        (&*pem, &*other, "key.pem: holds a private key that does not belong to the certificate"),
        ("", &*key, "cert.pem: holds no certificate in PEM"),
        (&*key, &*key, "cert.pem: holds no certificate in PEM"),
        (&*pem, "", "key.pem: holds no private key in PEM"),
        (&*pem, &*pem, "key.pem: holds no private key in PEM"),
    ] {
        let (folder, path) = class_folder(&settings("", TLS, ""));
        fs::write(folder.path().join("cert.pem"), chain).unwrap();
        write_private(&folder.path().join("key.pem"), key);
        for check in [&["--check"][..], &[]] {
            let output = ended(server_command().arg("--config").arg(&path).args(check));
            assert_eq!(output.status.code(), Some(1));
            let errors = String::from_utf8(output.stderr).unwrap();
            assert!(errors.contains(text) && !errors.contains("PRIVATE KEY-----\n"), "{errors}");
        }
    }
    let (folder, path) = class_folder(&settings("", TLS, ""));
    let output = ended(server_command().arg("--config").arg(path));
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("cert.pem: cannot be opened"));
    drop(folder);
}
