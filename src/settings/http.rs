//! The settings of the page: where it is served, and under which name.

use std::net::SocketAddr;

use grade_actors::{Profile, Proxies};
use grade_web::PublicUrl;

use super::layers::SettingsError;
use super::raw::RawHttp;
use super::validate::Validator;
use super::validated::HttpSettings;
use crate::files::certificate::CertificateFiles;

impl Validator<'_> {
    pub(super) fn http(
        &self,
        http: &RawHttp,
        profile: &Profile,
        proxies: &Proxies,
        sessions: &[SocketAddr],
    ) -> Result<Option<HttpSettings>, SettingsError> {
        let certificate = self.certificate(http)?;
        if http.listen.is_empty() {
            if certificate.is_some() {
                let what = "is of no use without http.listen; set http.listen, or remove it";
                return Err(self.layers.invalid("http.certificate", what));
            }
            return Ok(None);
        }
        let invalid = |what| Err(self.layers.invalid("http.listen", what));
        let Ok(listen) = http.listen.parse::<SocketAddr>() else {
            return invalid("is not an IP address and a port, like 127.0.0.1:8443 or [::1]:8443");
        };
        if !profile.is_sealed() {
            return invalid("is for server.profile = \"sealed\" only");
        }
        if listen.port() != 0 && sessions.contains(&listen) {
            return invalid("is an address of server.listen too; choose another port");
        }
        if certificate.is_none() && !listen.ip().is_loopback() && proxies.is_empty() {
            return invalid(
                "would serve the page without TLS, so that anyone on the way could change it; set \
                 http.certificate and http.key, or listen on 127.0.0.1, or name the proxy with TLS in \
                 server.proxies",
            );
        }
        Ok(Some(HttpSettings { listen, certificate }))
    }

    fn certificate(&self, http: &RawHttp) -> Result<Option<CertificateFiles>, SettingsError> {
        match (self.path(&http.certificate), self.path(&http.key)) {
            (Some(chain), Some(key)) => Ok(Some(CertificateFiles { chain, key })),
            (None, None) => Ok(None),
            (Some(_), None) => Err(self
                .layers
                .invalid("http.key", "must name the private key of http.certificate")),
            (None, Some(_)) => {
                let what = "must name the certificate of http.key";
                Err(self.layers.invalid("http.certificate", what))
            }
        }
    }

    pub(super) fn public_url(
        &self,
        text: &str,
        is_sealed: bool,
    ) -> Result<Option<PublicUrl>, SettingsError> {
        if text.is_empty() {
            return Ok(None);
        }
        let key = "http.public_url";
        if !is_sealed {
            return Err(self.layers.invalid(key, "is for server.profile = \"sealed\" only"));
        }
        let url = PublicUrl::parse(text);
        url.map(Some).map_err(|error| self.layers.invalid(key, &error.to_string()))
    }
}
