//! Changes the user's configuration file without touching what else is in it: comments, order
//! and layout stay (first-run form, "add a source").

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, value};

use super::schema::{
    Alertmanager, Genieacs, HttpAuth, Kafka, Libvirt, Mapping, Prometheus, Raven, Sasl, Source, SourceKind, Ssh, Tls,
    Voltha,
};

/// Why the file was not changed. It is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be read or written.
    #[error("{}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// What stands in it is no TOML, or its `source` is no list of tables.
    #[error("{}: {why}; mend it first (noctule config check)", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// There is a source of that name.
    #[error("there is a source {0} already; choose another name")]
    Taken(String),
}

/// Adds a source to a file, which is created (mode 0600) when it does not exist. The new text
/// replaces the old one at once or not at all.
///
/// # Errors
/// When the file cannot be read, is no configuration, has the name already, or cannot be written.
pub fn add_source(path: &Path, source: &Source) -> Result<(), Error> {
    let io = |cause| Error::Io { path: path.to_path_buf(), cause };
    let old = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(e) => return Err(io(e)),
    };
    let new = with_source(path, &old, source)?;
    write_atomic(path, new.as_bytes()).map_err(io)
}

/// The text `old` of the file `path` with a source added.
fn with_source(path: &Path, old: &str, source: &Source) -> Result<String, Error> {
    let unfit = |why: String| Error::Unfit { path: path.to_path_buf(), why };
    let mut document: DocumentMut = old.parse().map_err(|e: toml_edit::TomlError| unfit(e.message().to_owned()))?;
    let item = document.entry("source").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let Some(sources) = item.as_array_of_tables_mut() else {
        return Err(unfit("source is not written as [[source]]".into()));
    };
    if sources.iter().any(|t| t.get("name").and_then(Item::as_str) == Some(&source.name)) {
        return Err(Error::Taken(source.name.clone()));
    }
    let mut table = table_of(source);
    if !old.trim().is_empty() {
        table.decor_mut().set_prefix("\n");
    }
    sources.push(table);
    Ok(document.to_string())
}

/// A source as its table; settings that have their default are left out.
fn table_of(source: &Source) -> Table {
    let mut table = Table::new();
    table.insert("name", value(&source.name));
    match &source.kind {
        SourceKind::Voltha(voltha) => {
            table.insert("kind", value("voltha"));
            voltha_into(&mut table, voltha);
        }
        SourceKind::Genieacs(acs) => {
            table.insert("kind", value("genieacs"));
            genieacs_into(&mut table, acs);
        }
        SourceKind::Raven(raven) => {
            table.insert("kind", value("raven"));
            raven_into(&mut table, raven);
        }
        SourceKind::Prometheus(prometheus) => {
            table.insert("kind", value("prometheus"));
            prometheus_into(&mut table, prometheus);
        }
        SourceKind::Alertmanager(alertmanager) => {
            table.insert("kind", value("alertmanager"));
            alertmanager_into(&mut table, alertmanager);
        }
        SourceKind::Libvirt(libvirt) => {
            table.insert("kind", value("libvirt"));
            libvirt_into(&mut table, libvirt);
        }
    }
    table
}

fn voltha_into(table: &mut Table, voltha: &Voltha) {
    let defaults = Voltha::new(&voltha.grpc);
    table.insert("grpc", value(&voltha.grpc));
    if voltha.poll_s != defaults.poll_s {
        table.insert("poll_s", value(voltha.poll_s as i64));
    }
    if voltha.timeout_s != defaults.timeout_s {
        table.insert("timeout_s", value(voltha.timeout_s as i64));
    }
    if voltha.max_message_mib != defaults.max_message_mib {
        table.insert("max_message_mib", value(voltha.max_message_mib as i64));
    }
    if voltha.paused {
        table.insert("paused", value(true));
    }
    if let Some(tls) = tls_of(&voltha.tls) {
        table.insert("tls", value(tls));
    }
    if let Some(kafka) = &voltha.kafka {
        table.insert("kafka", Item::Table(kafka_of(kafka)));
    }
}

fn way_of(ssh: &Ssh) -> toml_edit::InlineTable {
    let mut way = toml_edit::InlineTable::new();
    way.insert("host", ssh.host.as_str().into());
    if let Some(port) = ssh.port {
        way.insert("port", i64::from(port).into());
    }
    if let Some(file) = &ssh.config_file {
        way.insert("config_file", file.as_str().into());
    }
    way
}

/// The form asks how the host is reached; how its machines are backed up and moved is written by hand.
fn libvirt_into(table: &mut Table, libvirt: &Libvirt) {
    let defaults = Libvirt::default();
    if libvirt.uri != defaults.uri {
        table.insert("uri", value(&libvirt.uri));
    }
    if let Some(socket) = &libvirt.socket {
        table.insert("socket", value(socket));
    }
    if let Some(ssh) = &libvirt.ssh {
        table.insert("ssh", value(way_of(ssh)));
    }
    for (name, now, default) in
        [("poll_s", libvirt.poll_s, defaults.poll_s), ("timeout_s", libvirt.timeout_s, defaults.timeout_s)]
    {
        if now != default {
            table.insert(name, value(now as i64));
        }
    }
    if libvirt.paused {
        table.insert("paused", value(true));
    }
}

/// The form of the first start asks for the addresses; what else an appliance has is written by hand.
fn raven_into(table: &mut Table, raven: &Raven) {
    table.insert("buffer", value(&raven.buffer));
    if let Some(config) = &raven.config {
        table.insert("config", value(config));
    }
    if let Some(ssh) = &raven.ssh {
        table.insert("ssh", value(way_of(ssh)));
    }
    if raven.poll_s != Raven::new("").poll_s {
        table.insert("poll_s", value(raven.poll_s as i64));
    }
    if raven.paused {
        table.insert("paused", value(true));
    }
    if let Some(tls) = tls_of(&raven.tls) {
        table.insert("tls", value(tls));
    }
}

fn genieacs_into(table: &mut Table, acs: &Genieacs) {
    let defaults = Genieacs::new(&acs.nbi);
    table.insert("nbi", value(&acs.nbi));
    for (name, text) in [("fs", &acs.fs), ("profiles", &acs.profiles)] {
        if let Some(text) = text {
            table.insert(name, value(text));
        }
    }
    for (name, now, default) in [
        ("poll_s", acs.poll_s, defaults.poll_s),
        ("full_s", acs.full_s, defaults.full_s),
        ("timeout_s", acs.timeout_s, defaults.timeout_s),
        ("online_s", acs.online_s, defaults.online_s),
        ("offline_s", acs.offline_s, defaults.offline_s),
        ("max_concurrent", acs.max_concurrent.into(), defaults.max_concurrent.into()),
    ] {
        if now != default {
            table.insert(name, value(now as i64));
        }
    }
    if acs.paused {
        table.insert("paused", value(true));
    }
    if let Some(tls) = tls_of(&acs.tls) {
        table.insert("tls", value(tls));
    }
    if !acs.auth.is_none() {
        table.insert("auth", value(auth_of(&acs.auth)));
    }
}

fn prometheus_into(table: &mut Table, p: &Prometheus) {
    let defaults = Prometheus::new("");
    table.insert("url", value(&p.url));
    if p.pending {
        table.insert("pending", value(true));
    }
    let numbers = [
        ("poll_s", p.poll_s, defaults.poll_s),
        ("timeout_s", p.timeout_s, defaults.timeout_s),
        ("restart_grace_s", p.restart_grace_s, defaults.restart_grace_s),
    ];
    alerts_into(table, &numbers, p.paused, (&p.tls, &p.auth, &p.mapping, p.ssh.as_ref()));
}

fn alertmanager_into(table: &mut Table, a: &Alertmanager) {
    let defaults = Alertmanager::new("");
    table.insert("url", value(&a.url));
    if let Some(prometheus) = &a.prometheus {
        table.insert("prometheus", value(prometheus));
    }
    if !a.filter.is_empty() {
        table.insert("filter", value(a.filter.iter().collect::<Array>()));
    }
    let numbers = [
        ("poll_s", a.poll_s, defaults.poll_s),
        ("timeout_s", a.timeout_s, defaults.timeout_s),
        ("restart_grace_s", a.restart_grace_s, defaults.restart_grace_s),
    ];
    alerts_into(table, &numbers, a.paused, (&a.tls, &a.auth, &a.mapping, a.ssh.as_ref()));
}

/// What both sources of alerts have.
fn alerts_into(
    table: &mut Table,
    numbers: &[(&str, u64, u64)],
    paused: bool,
    (tls, auth, mapping, ssh): (&Tls, &HttpAuth, &Mapping, Option<&Ssh>),
) {
    for (name, now, default) in numbers {
        if now != default {
            table.insert(name, value(*now as i64));
        }
    }
    if paused {
        table.insert("paused", value(true));
    }
    if let Some(tls) = tls_of(tls) {
        table.insert("tls", value(tls));
    }
    if !auth.is_none() {
        table.insert("auth", value(auth_of(auth)));
    }
    if let Some(ssh) = ssh {
        table.insert("ssh", value(ssh_of(ssh)));
    }
    if *mapping != Mapping::default() {
        table.insert("mapping", Item::Table(mapping_of(mapping)));
    }
}

fn ssh_of(ssh: &Ssh) -> InlineTable {
    let mut table = InlineTable::new();
    table.insert("host", ssh.host.as_str().into());
    if let Some(port) = ssh.port {
        table.insert("port", i64::from(port).into());
    }
    if let Some(file) = &ssh.config_file {
        table.insert("config_file", file.as_str().into());
    }
    table
}

fn mapping_of(mapping: &Mapping) -> Table {
    let mut table = Table::new();
    table.insert("resource", value(mapping.resource.iter().collect::<Array>()));
    table.insert("severity_label", value(&mapping.severity_label));
    table.insert("default_severity", value(mapping.default_severity.word()));
    table.insert("replica_labels", value(mapping.replica_labels.iter().collect::<Array>()));
    if !mapping.severities.is_empty() {
        let mut words = InlineTable::new();
        for (word, severity) in &mapping.severities {
            words.insert(word, severity.word().into());
        }
        table.insert("severities", value(words));
    }
    table
}

fn auth_of(auth: &HttpAuth) -> InlineTable {
    let mut table = InlineTable::new();
    if let Some(basic) = &auth.basic {
        let mut inner = InlineTable::new();
        inner.insert("username", basic.username.as_str().into());
        inner.insert("password", basic.password.reference().into());
        table.insert("basic", inner.into());
    }
    if let Some(bearer) = &auth.bearer {
        table.insert("bearer", bearer.reference().into());
    }
    if let Some(header) = &auth.header {
        let mut inner = InlineTable::new();
        inner.insert("name", header.name.as_str().into());
        inner.insert("value", header.value.reference().into());
        table.insert("header", inner.into());
    }
    table
}

fn kafka_of(kafka: &Kafka) -> Table {
    let mut table = Table::new();
    table.insert("brokers", value(kafka.brokers.iter().collect::<Array>()));
    table.insert("topic", value(&kafka.topic));
    if let Some(tls) = &kafka.tls {
        table.insert("tls", value(tls_of(tls).unwrap_or_default()));
    }
    if let Some(sasl) = &kafka.sasl {
        table.insert("sasl", value(sasl_of(sasl)));
    }
    table
}

fn sasl_of(sasl: &Sasl) -> InlineTable {
    let mut table = InlineTable::new();
    table.insert("mechanism", sasl.mechanism.word().into());
    table.insert("username", sasl.username.as_str().into());
    table.insert("password", sasl.password.reference().into());
    table
}

/// TLS settings; nothing when all of them have their default.
fn tls_of(tls: &Tls) -> Option<InlineTable> {
    let key = tls.key.as_ref().map(super::secret::SecretRef::reference);
    let mut table = InlineTable::new();
    for (name, text) in [("ca", &tls.ca), ("cert", &tls.cert), ("key", &key), ("server_name", &tls.server_name)] {
        if let Some(text) = text {
            table.insert(name, text.as_str().into());
        }
    }
    (!table.is_empty()).then_some(table)
}

/// Replaces a file by way of a new one beside it, readable by us only, on the disk before it
/// takes the old one's place. A symbolic link stays one: its target is replaced.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = super::folder_of(&path);
    if !folder.as_os_str().is_empty() {
        std::fs::create_dir_all(&folder)?;
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let written = (|| {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)
    })();
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::config::check_text;
    use crate::config::schema::{BasicAuth, HeaderAuth, SaslMechanism};

    fn source(name: &str) -> Source {
        let mut voltha = Voltha::new("https://h:1");
        voltha.poll_s = 5;
        voltha.tls.ca = Some("/ca.pem".into());
        let mut kafka = Kafka::new(vec!["a:1".into(), "b:2".into()]);
        kafka.tls = Some(Tls::default());
        kafka.sasl = Some(Sasl {
            mechanism: SaslMechanism::ScramSha512,
            username: "u\"ser".into(),
            password: "cmd:pass 'show me'".parse().unwrap(),
        });
        voltha.kafka = Some(kafka);
        Source { name: name.into(), kind: SourceKind::Voltha(voltha) }
    }

    #[test]
    fn what_was_there_stays_and_what_is_new_is_whole() {
        let old = "# mine\n[ui]   # screen\ntheme = \"tty\"\n\n[[source]] # first\nname = \"a\"\nkind = \"voltha\"\ngrpc = \"http://a:1\"\n";
        let new = with_source(Path::new("x"), old, &source("b")).unwrap();
        assert!(new.starts_with(old), "{new}");
        let config = check_text("x", &new).unwrap_or_else(|e| panic!("{e}\n{new}"));
        let SourceKind::Voltha(v) = &config.sources[1].kind else { panic!("another kind") };
        let kafka = v.kafka.as_ref().unwrap();
        let sasl = kafka.sasl.as_ref().unwrap();
        assert_eq!((v.poll_s, v.timeout_s, v.tls.ca.as_deref()), (5, 20, Some("/ca.pem")));
        assert_eq!((kafka.brokers.len(), kafka.tls.is_some()), (2, true));
        assert_eq!((sasl.username.as_str(), sasl.password.reference().as_str()), ("u\"ser", "cmd:pass 'show me'"));
    }

    #[test]
    fn an_acs_is_written_as_it_is_read() {
        let mut acs = Genieacs::new("https://acs/nbi");
        acs.fs = Some("http://acs:7567".into());
        acs.poll_s = 7;
        acs.max_concurrent = 20;
        acs.auth.basic = Some(BasicAuth { username: "u".into(), password: "env:P".parse().unwrap() });
        acs.auth.header = Some(HeaderAuth { name: "x-api-key".into(), value: "env:K".parse().unwrap() });
        let source = Source { name: "acs-1".into(), kind: SourceKind::Genieacs(acs) };
        let text = with_source(Path::new("x"), "", &source).unwrap();
        let config = check_text("x", &text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let SourceKind::Genieacs(read) = &config.sources[0].kind else { panic!("another kind") };
        assert_eq!((read.nbi.as_str(), read.fs.as_deref()), ("https://acs/nbi", Some("http://acs:7567")));
        assert_eq!((read.poll_s, read.full_s, read.max_concurrent, read.timeout_s), (7, 3600, 20, 180));
        assert_eq!(read.auth.basic.as_ref().unwrap().password.reference(), "env:P");
        assert_eq!(read.auth.header.as_ref().unwrap().value.reference(), "env:K");
    }

    #[test]
    fn sources_of_alerts_are_written_with_all_that_differs() {
        let mapping = Mapping {
            resource: vec!["{olt}".into()],
            severities: [("page".to_owned(), crate::model::severity::Severity::Critical)].into(),
            ..Mapping::default()
        };
        let ssh = Some(Ssh { host: "jump".into(), port: Some(2222), config_file: None });
        let prometheus =
            Prometheus { pending: true, poll_s: 7, mapping: mapping.clone(), ..Prometheus::new("http://p:9090") };
        let alertmanager = Alertmanager {
            prometheus: Some("http://p:9090".into()),
            filter: vec!["team=\"noc\"".into()],
            restart_grace_s: 0,
            mapping,
            ssh,
            ..Alertmanager::new("http://a:9093")
        };
        let sources = [
            Source { name: "p".into(), kind: SourceKind::Prometheus(Box::new(prometheus)) },
            Source { name: "a".into(), kind: SourceKind::Alertmanager(Box::new(alertmanager)) },
        ];
        let mut text = String::new();
        for source in &sources {
            text = with_source(Path::new("x"), &text, source).unwrap();
        }
        let read = check_text("x", &text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert_eq!(format!("{:?}", read.sources), format!("{:?}", sources));
    }

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/noctule.toml");
        add_source(&path, &source("a")).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        add_source(&path, &source("b")).unwrap();
        let before = std::fs::read_to_string(&path).unwrap();
        assert!(matches!(add_source(&path, &source("b")), Err(Error::Taken(name)) if name == "b"));
        std::fs::write(&path, "source = 1\n").unwrap();
        assert!(matches!(add_source(&path, &source("c")), Err(Error::Unfit { .. })));
        std::fs::write(&path, "[broken\n").unwrap();
        assert!(matches!(add_source(&path, &source("c")), Err(Error::Unfit { .. })));
        assert_eq!(check_text("x", &before).unwrap().sources.len(), 2);
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real.toml"), folder.path().join("noctule.toml"));
        std::fs::write(&real, "").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        add_source(&link, &source("a")).unwrap();
        assert!(link.is_symlink() && std::fs::read_to_string(real).unwrap().contains("\"a\""));
    }
}
