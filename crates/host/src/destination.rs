//! `allowed_outbound_hosts`: patterns as Spin reads them, `scheme://host[:port]` with `*` for any.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use url::Host;

/// Where a component may send requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    scheme: Option<String>,
    host: HostPattern,
    port: PortPattern,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum HostPattern {
    Any,
    /// `*.example.com`: kept with its leading dot.
    Subdomains(String),
    Exact(Host),
    Network(IpNet),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum PortPattern {
    Any,
    /// First and one behind the last, as in Spin.
    Range(u16, u16),
    Exact(u16),
}

/// A place a request goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Destination {
    pub(crate) scheme: String,
    pub(crate) host: Host,
    pub(crate) port: u16,
}

impl Destination {
    /// The place an absolute URI names.
    pub(crate) fn of(uri: &http::Uri) -> Option<Self> {
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let port = match uri.port_u16() {
            Some(port) => port,
            None => default_port(&scheme)?,
        };
        Some(Self { host: Host::parse(uri.host()?).ok()?, scheme, port })
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme, self.host, self.port)
    }
}

impl Pattern {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let refuse = |what: &str| {
            format!("allowed_outbound_hosts: {text:?}: {what}; expected scheme://host[:port], `*` for any")
        };
        let (scheme, rest) = text.trim().split_once("://").ok_or_else(|| refuse("it has no scheme"))?;
        let scheme = match scheme {
            "*" => None,
            "http" | "https" => Some(scheme.to_owned()),
            _ => {
                return Err(refuse("the scheme must be http, https or *: this host makes HTTP requests only"));
            }
        };
        let (host, port) = split_port(rest);
        let host = host.strip_suffix('/').unwrap_or(host);
        let port = match (port.map(|port| port.strip_suffix('/').unwrap_or(port)), scheme.as_deref()) {
            (None | Some(""), Some(scheme)) => {
                PortPattern::Exact(default_port(scheme).ok_or_else(|| refuse("it needs a port"))?)
            }
            (None | Some(""), None) => return Err(refuse("with any scheme it needs a port")),
            (Some(port), _) => PortPattern::parse(port)
                .ok_or_else(|| refuse("the port is not a number, a range like 8000..9000, or *"))?,
        };
        Ok(Self { scheme, host: HostPattern::parse(host).map_err(|what| refuse(&what))?, port })
    }

    pub(crate) fn allows(&self, to: &Destination) -> bool {
        let port = match self.port {
            PortPattern::Any => true,
            PortPattern::Exact(port) => to.port == port,
            PortPattern::Range(first, end) => (first..end).contains(&to.port),
        };
        port && self.scheme.as_ref().is_none_or(|scheme| *scheme == to.scheme) && self.host.allows(&to.host)
    }
}

/// The host and what follows the last colon outside of brackets.
fn split_port(rest: &str) -> (&str, Option<&str>) {
    match rest.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (rest, None),
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

impl PortPattern {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Any);
        }
        match text.split_once("..") {
            Some((first, end)) => Some(Self::Range(first.parse().ok()?, end.parse().ok()?)),
            None => text.parse().ok().map(Self::Exact),
        }
    }
}

impl HostPattern {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if matches!(text, "self" | "self.alt") || text.ends_with(".spin.internal") {
            return Err("calls between components of one application are not offered by this host".to_owned());
        }
        if let Ok(network) = text.parse::<IpNet>() {
            return Ok(Self::Network(network.trunc()));
        }
        if text.contains('/') {
            return Err("it must not have a path".to_owned());
        }
        if let Some(domain) = text.strip_prefix("*.") {
            return match Host::parse(domain) {
                Ok(Host::Domain(domain)) if !domain.contains('*') => Ok(Self::Subdomains(format!(".{domain}"))),
                _ => Err("behind `*.` there must be a domain".to_owned()),
            };
        }
        if text.contains('*') {
            return Err("`*` stands for the whole host or for its first part, as in `*.example.com`".to_owned());
        }
        Host::parse(text).map(Self::Exact).map_err(|error| format!("the host is not valid ({error})"))
    }

    fn allows(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Subdomains(suffix), Host::Domain(domain)) => domain.ends_with(suffix.as_str()),
            (Self::Exact(exact), host) => exact == host,
            (Self::Network(network), Host::Ipv4(address)) => network.contains(&IpAddr::V4(*address)),
            (Self::Network(network), Host::Ipv6(address)) => network.contains(&IpAddr::V6(*address)),
            (Self::Subdomains(_) | Self::Network(_), _) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_allow_what_spin_allows() {
        for (pattern, uri, expected) in [
            ("https://*:*", "https://example.com/hook", true),
            ("https://*:*", "https://example.com:8443/hook", true),
            ("https://*:*", "https://192.0.2.1/", true),
            ("https://*:*", "http://example.com/", false),
            ("https://*", "https://example.com:8443/", false),
            ("https://example.com", "https://EXAMPLE.com/", true),
            ("https://example.com", "https://example.com:443/", true),
            ("https://example.com", "https://example.com.evil.test/", false),
            ("https://*.example.com", "https://a.b.example.com/", true),
            ("https://*.example.com", "https://example.com/", false),
            ("*://localhost:8000..8010", "http://localhost:8009/", true),
            ("*://localhost:8000..8010", "http://localhost:8010/", false),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000/", true),
            ("http://127.0.0.0/8:*", "http://127.1.2.3:99/", true),
            ("http://[::1]:3000", "http://[::1]:3000/", true),
            ("*://*:*", "http://anything.test:1/", true),
        ] {
            let to = Destination::of(&uri.parse().unwrap()).unwrap();
            assert_eq!(Pattern::parse(pattern).unwrap().allows(&to), expected, "{pattern} {uri}");
        }
    }

    #[test]
    fn wrong_patterns_are_refused() {
        for wrong in [
            "example.com",
            "*",
            "https://a.com/path",
            "https://a.*.com",
            "ftp://a.com",
            "https://a.com:x",
            "*://a.com",
            "http://self",
        ] {
            assert!(Pattern::parse(wrong).is_err(), "{wrong}");
        }
    }
}
