//! Names and addresses an operator types: checked before anything is asked about them, so that
//! nothing that looks like an option, a path or an escape sequence reaches a resolver or a log.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::Wrong;

/// Which kind of addresses may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Family {
    /// The first that the system's resolver gives.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl Family {
    /// Whether an address is of it.
    #[must_use]
    pub const fn takes(self, ip: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => ip.is_ipv4(),
            Self::V6 => ip.is_ipv6(),
        }
    }

    /// As a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }
}

/// A host: a name (letters, digits, `-`, `_`, dots), an IPv4 address, or an IPv6 address with or
/// without a zone (`fe80::1%eth0`) and brackets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Host(String);

impl Host {
    /// Checks what was typed.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = |why: &str| Err(Wrong::new("host", why));
        let text = text.trim();
        if text.is_empty() {
            return wrong("a name or an address is needed");
        }
        let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
        if bare.parse::<IpAddr>().is_ok() {
            return Ok(Self(bare.to_owned()));
        }
        if let Some((ip, zone)) = bare.split_once('%') {
            let known = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            if ip.parse::<Ipv6Addr>().is_ok() && !zone.is_empty() && zone.len() < 16 && zone.chars().all(known) {
                return Ok(Self(bare.to_owned()));
            }
            return wrong("a zone stands behind an IPv6 address: fe80::1%eth0");
        }
        if text.contains("://") {
            return wrong("a host is wanted, not a URL");
        }
        if bare.contains(':') {
            return wrong("neither an IPv6 address nor a name; a port is given separately");
        }
        if bare.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return wrong("looks like an IPv4 address and is none");
        }
        labels("host", bare)?;
        Ok(Self(bare.to_owned()))
    }

    /// As it was typed, without brackets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address, where it is one without a zone.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.0.parse().ok()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks the labels of a name: 1 to 63 characters each, 253 in all, ASCII, no dash at the edges.
fn labels(field: &'static str, name: &str) -> Result<(), Wrong> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if !name.is_ascii() {
        return Err(Wrong::new(field, "a name beyond ASCII is written in its xn-- form"));
    }
    if name.len() > 253 {
        return Err(Wrong::new(field, "a name has at most 253 characters"));
    }
    for label in name.split('.') {
        if label.is_empty() {
            return Err(Wrong::new(field, "a name has no empty part"));
        }
        if label.len() > 63 {
            return Err(Wrong::new(field, "a part of a name has at most 63 characters"));
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err(Wrong::new(field, "no part of a name begins or ends with a dash"));
        }
        if !label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            return Err(Wrong::new(field, "a name holds letters, digits, - and _ between its dots"));
        }
    }
    Ok(())
}

/// A name to look up, always taken as complete: no search list is added to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DnsName(String);

impl DnsName {
    /// Checks what was typed. `.` is the root. An address is taken as the name of its PTR record.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let text = text.trim();
        if text == "." {
            return Ok(Self(".".to_owned()));
        }
        if text.is_empty() {
            return Err(Wrong::new("name", "a name is needed"));
        }
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Ok(Self::reverse(ip));
        }
        labels("name", text)?;
        Ok(Self(text.strip_suffix('.').unwrap_or(text).to_owned()))
    }

    /// The name under which the names of an address stand (`1.2.0.192.in-addr.arpa`).
    #[must_use]
    pub fn reverse(ip: IpAddr) -> Self {
        Self(match ip {
            IpAddr::V4(ip) => {
                let [a, b, c, d] = ip.octets();
                format!("{d}.{c}.{b}.{a}.in-addr.arpa")
            }
            IpAddr::V6(ip) => {
                let nibbles = ip.octets().into_iter().rev().flat_map(|b| [b & 15, b >> 4]);
                let digits: Vec<String> = nibbles.map(|n| format!("{n:x}")).collect();
                format!("{}.ip6.arpa", digits.join("."))
            }
        })
    }

    /// Whether it is the name of an address.
    #[must_use]
    pub fn is_reverse(&self) -> bool {
        self.0.ends_with(".in-addr.arpa") || self.0.ends_with(".ip6.arpa")
    }

    /// Without a dot at its end, except for the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An `http://` or `https://` URL, in its parts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HttpUrl {
    /// Whether it is `https`.
    pub secure: bool,
    /// The host.
    pub host: Host,
    /// The port, 80 or 443 where none was given.
    pub port: u16,
    /// Path and query, beginning with `/`.
    pub path: String,
}

impl HttpUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// What is wrong with it; a URL with credentials is refused, for it would end up in reports.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = |why: &str| Wrong::new("url", why);
        let text = text.trim();
        let lower = text.to_ascii_lowercase();
        let (secure, rest) = match (lower.starts_with("https://"), lower.starts_with("http://")) {
            (true, _) => (true, text.get(8..)),
            (_, true) => (false, text.get(7..)),
            _ => return Err(wrong("begins with http:// or https://")),
        };
        let rest = rest.unwrap_or_default();
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return Err(wrong("holds no user and no password"));
        }
        let (host, port) = split_port("url", authority, if secure { 443 } else { 80 })?;
        if !path.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(wrong("blanks, control characters and what is beyond ASCII are percent-encoded in a URL"));
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { secure, host, port, path })
    }

    /// The URL that a redirection names, seen from this one.
    ///
    /// # Errors
    /// As [`HttpUrl::parse`].
    pub fn join(&self, location: &str) -> Result<Self, Wrong> {
        let location = location.trim();
        if let Some(rest) = location.strip_prefix("//") {
            return Self::parse(&format!("{}://{rest}", if self.secure { "https" } else { "http" }));
        }
        if location.starts_with('/') {
            let parsed = Self::parse(&format!("http://x{location}"))?;
            return Ok(Self { path: parsed.path, ..self.clone() });
        }
        Self::parse(location)
    }

    /// Host and port as a `Host` header has them.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.as_str().contains(':') { format!("[{}]", self.host) } else { self.host.to_string() };
        let usual = if self.secure { 443 } else { 80 };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", if self.secure { "https" } else { "http" }, self.authority(), self.path)
    }
}

/// Splits `host`, `host:port`, `[v6]:port`.
pub(super) fn split_port(field: &'static str, text: &str, usual: u16) -> Result<(Host, u16), Wrong> {
    let named = |e: Wrong| Wrong::new(field, e.why);
    let (host, port) = match text.rsplit_once(':') {
        _ if text.parse::<Ipv6Addr>().is_ok() => (text, None),
        Some((host, port)) if !host.is_empty() && !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port = match port {
        None => usual,
        Some(port) => match port.parse::<u16>() {
            Ok(n) if n > 0 && port.bytes().all(|b| b.is_ascii_digit()) => n,
            _ => return Err(Wrong::new(field, "a port is a number from 1 to 65535")),
        },
    };
    Ok((Host::parse(host).map_err(named)?, port))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hosts_are_names_or_addresses_and_nothing_else() {
        for good in ["localhost", "olt-1.example.net", "10.0.0.1", "::1", "[2001:db8::1]", "fe80::1%eth0", "a_b", "x."]
        {
            assert!(Host::parse(good).is_ok(), "{good}");
        }
        assert_eq!(Host::parse("[::1]").unwrap().as_str(), "::1");
        let long = format!("{}.net", "a".repeat(64));
        for bad in [
            "",
            "-f",
            "a b",
            "http://x",
            "a..b",
            "x:80",
            "1.2.3",
            "1.2.3.4.5",
            "fe80::1%",
            "10.0.0.1%eth0",
            "gr\u{fc}n",
            "a/b",
            "a;b",
            "\u{1b}[2J",
            "a-",
            &long,
        ] {
            assert!(Host::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn reverse_names_are_those_of_the_registries() {
        assert_eq!(DnsName::parse("192.0.2.1").unwrap().as_str(), "1.2.0.192.in-addr.arpa");
        let six = DnsName::parse("2001:db8::567:89ab").unwrap();
        assert_eq!(six.as_str(), "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
        assert!(six.is_reverse());
        assert_eq!(DnsName::parse("Example.NET.").unwrap().as_str(), "Example.NET");
        assert!(DnsName::parse("_sip._udp.example.net").is_ok());
    }

    #[test]
    fn urls_are_read_and_written() {
        for (text, shown) in [
            ("http://a", "http://a/"),
            ("HTTPS://a.b:8443/x?y#z", "https://a.b:8443/x?y"),
            ("http://[::1]:80/q", "http://[::1]/q"),
            ("http://a?b", "http://a/?b"),
        ] {
            assert_eq!(HttpUrl::parse(text).unwrap().to_string(), shown);
        }
        for bad in
            ["ftp://a", "http://", "http://u:p@a/", "http://a:0/", "http://a:x/", "http://a/ b", "a", "http://a:+80/"]
        {
            assert!(HttpUrl::parse(bad).is_err(), "{bad}");
        }
        let base = HttpUrl::parse("https://a:8443/x/y").unwrap();
        assert_eq!(base.join("/z?1").unwrap().to_string(), "https://a:8443/z?1");
        assert_eq!(base.join("//b/c").unwrap().to_string(), "https://b/c");
        assert_eq!(base.join("http://b").unwrap().to_string(), "http://b/");
        assert!(base.join("ftp://b").is_err());
    }

    proptest! {
        #[test]
        fn what_is_taken_is_tame(text in "\\PC{0,40}|[a-z0-9.:%\\[\\]_-]{0,20}") {
            if let Ok(host) = Host::parse(&text) {
                prop_assert!(!host.as_str().starts_with('-') && host.as_str().is_ascii());
                prop_assert!(!host.as_str().chars().any(|c| c.is_control() || c.is_whitespace() || c == '/'));
                prop_assert_eq!(Host::parse(host.as_str()), Ok(host.clone()));
            }
            if let Ok(url) = HttpUrl::parse(&format!("http://{text}")) {
                prop_assert_eq!(HttpUrl::parse(&url.to_string()), Ok(url));
            }
            if let Ok(name) = DnsName::parse(&text) {
                prop_assert_eq!(DnsName::parse(name.as_str()), Ok(name.clone()));
            }
        }
    }
}
