//! What the texts of the configuration have to look like, by the `format` that `schema.rs`
//! gives them.

use super::schema::MenuPin;
use super::schema::parse_size;
use super::secret::SecretRef;
use crate::model::labels::{Matcher, Template, is_label};
use crate::model::time::parse_duration;

/// Checks a text against a format; formats without rules pass.
pub(super) fn check(format: &str, text: &str) -> Result<(), String> {
    match format {
        "name" => name(text),
        "path" if text.is_empty() => Err("a path is not empty".into()),
        "time-span" => match parse_duration(text) {
            Some(us) if us > 0 => Ok(()),
            _ => Err("a time span is written like 90s, 15m, 12h, 30d or 1h30m".into()),
        },
        "byte-size" => match parse_size(text) {
            Some(bytes) if bytes > 0 => Ok(()),
            _ => Err("a size is written like 512MiB, 2GiB or 1500MB".into()),
        },
        "endpoint" => endpoint(text),
        "base-url" => base_url(text),
        "header-name" => header_name(text),
        "label-template" => Template::parse(text).map(drop),
        "label-matcher" => Matcher::parse(text).map(drop),
        "label-name" if is_label(text) => Ok(()),
        "label-name" => Err("a label has letters, digits and _, and begins with no digit".into()),
        "host-port" => host_port(text),
        "ssh-host" => ssh_host(text),
        "libvirt-uri" => libvirt_uri(text),
        "migration-uri" => migration_uri(text),
        // The text is not quoted: it may be the secret itself.
        "pin-reference" => text.parse::<MenuPin>().map(drop).map_err(|e| e.to_string()),
        "secret-reference" => text.parse::<SecretRef>().map(drop).map_err(|e| e.to_string()),
        _ => Ok(()),
    }
}

/// Names of sources and profiles: they become part of file names, keys and commands.
pub(super) fn name(text: &str) -> Result<(), String> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || text.len() > 64 || !text.chars().all(good) || text.starts_with(['.', '-']) {
        return Err("a name has 1 to 64 letters, digits, - _ or . and begins with neither - nor .".into());
    }
    Ok(())
}

fn endpoint(text: &str) -> Result<(), String> {
    let usage = || "an endpoint is written http://host:port, or https://host:port for TLS".to_owned();
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")).ok_or_else(usage)?;
    if rest.contains('@') {
        return Err("credentials do not stand in an endpoint".into());
    }
    host_port(rest.strip_suffix('/').unwrap_or(rest)).map_err(|_| usage())
}

/// An endpoint whose port may be the scheme's own, with a path before everything that is asked.
fn base_url(text: &str) -> Result<(), String> {
    let usage = || "a base URL is written http://host:7557, or https://host/prefix behind a proxy".to_owned();
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")).ok_or_else(usage)?;
    let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
    if host.contains('@') {
        return Err("credentials do not stand in a URL: use auth".into());
    }
    // Without a port, any will do to check the host.
    let bare = host.ends_with(']') || !host.contains(':');
    if bare { host_port(&format!("{host}:1")) } else { host_port(host) }.map_err(|_| usage())?;
    let bytes = path.as_bytes();
    let escape = |i: usize| bytes.get(i + 1..i + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
    let good = |(i, c): (usize, &u8)| match c {
        b'%' => escape(i),
        c => c.is_ascii_alphanumeric() || b"-._~/".contains(c),
    };
    if bytes.iter().enumerate().all(good) { Ok(()) } else { Err(usage()) }
}

fn header_name(text: &str) -> Result<(), String> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    // What the connection itself is made of is not for configurations.
    let ours = ["host", "content-length", "transfer-encoding", "connection", "authorization"];
    if text.is_empty() || !text.chars().all(good) || ours.iter().any(|o| text.eq_ignore_ascii_case(o)) {
        return Err("a header of your own is written like x-api-key".into());
    }
    Ok(())
}

/// A host of `ssh`: `host`, `user@host`, or a name of its configuration. What begins with `-` would
/// be an option, and blanks, quotes and the like could reach the shell of a `ProxyCommand`.
///
/// # Errors
/// What it has to look like, in words.
pub fn ssh_host(text: &str) -> Result<(), String> {
    let good = |part: &str, more: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    let (user, host) = text.rsplit_once('@').map_or((None, text), |(user, host)| (Some(user), host));
    let host_good = good(host, "-_.") || host.parse::<std::net::Ipv6Addr>().is_ok();
    if text.len() <= 255 && host_good && user.is_none_or(|u| good(u, "-_.@+")) {
        return Ok(());
    }
    Err("an SSH host is written host, user@host, or like a Host of the SSH configuration; it does not begin with -"
        .into())
}

/// Which hypervisor of a libvirt: the transport is chosen by other keys.
fn libvirt_uri(text: &str) -> Result<(), String> {
    let usage = || "a libvirt URI is written qemu:///system or qemu:///session".to_owned();
    let (driver, rest) = text.split_once("://").ok_or_else(usage)?;
    if driver.contains('+') || !rest.starts_with('/') {
        return Err("the way to a host does not stand in its libvirt URI: use [source.ssh] or socket, and \
             qemu:///system here; TLS and SASL are not spoken"
            .into());
    }
    let good = |c: char| c.is_ascii_alphanumeric() || "-_/.".contains(c);
    let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric());
    if word(driver) && rest.chars().all(good) { Ok(()) } else { Err(usage()) }
}

/// A URI that a host's libvirt is told, for a migration.
fn migration_uri(text: &str) -> Result<(), String> {
    let good = |c: char| c.is_ascii_graphic() && !"\"'`\\<>".contains(c);
    match text.split_once("://") {
        Some((scheme, rest)) if !scheme.is_empty() && !rest.is_empty() && text.chars().all(good) => Ok(()),
        _ => Err("a migration URI is written qemu+ssh://host/system, tcp://address or unix:///path".into()),
    }
}

fn host_port(text: &str) -> Result<(), String> {
    let usage = || "it is written host:port, an IPv6 address in brackets: [::1]:9092".to_owned();
    let (host, port) = text.rsplit_once(':').ok_or_else(usage)?;
    let port_good = port.parse::<u16>().is_ok_and(|p| p > 0);
    let bracketed = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let host_good = match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')),
    };
    if port_good && host_good { Ok(()) } else { Err(usage()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssh_hosts_are_no_options_and_no_shell_words() {
        for good in ["jump-1", "root@10.0.0.1", "first.last@corp@bastion", "::1", "user@fe80::1", "venue_7"] {
            assert_eq!(ssh_host(good), Ok(()), "{good}");
        }
        let bad =
            ["", "-oProxyCommand=x", "u@-x", "@h", "-u@h", "a b", "a;b", "$(id)", "a`id`", "h:22", "a/b", "a'b", "%h"];
        for bad in bad {
            assert!(ssh_host(bad).is_err(), "{bad}");
        }
    }
}
