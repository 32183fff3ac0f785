//! The event stream of one source: each broker on the way, the login, the topic, and how far what
//! is in the journal lies behind what the brokers hold.

use std::time::Instant;

use super::report::Check;
use super::source::{Place, failed, reach};
use crate::config::schema::Kafka;
use crate::controllers::voltha::error::Error;
use crate::controllers::voltha::events::Stream;
use crate::model::ids::SourceName;
use crate::model::observation::Origin;
use crate::model::text::{counted, grouped};

/// The event stream. `read` is how far the journal is, by partition.
pub(super) async fn checks(source: &SourceName, config: &Kafka, read: &[Origin]) -> Vec<Check> {
    let mut out = Vec::new();
    let mut reached = false;
    for broker in &config.brokers {
        reached |= broker_check(broker, config, &mut out).await;
    }
    if !reached {
        return out;
    }
    let began = Instant::now();
    let stream = match Stream::connect(source, config).await {
        Ok(stream) => stream,
        Err(e) => {
            out.push(failed("kafka login", &e));
            return out;
        }
    };
    let login = config.sasl.as_ref().map_or("none asked for", |_| "accepted");
    out.push(Check::ok("kafka login", login).took(began.elapsed()));
    match topic(&stream, config, read).await {
        Ok(check) => out.push(check),
        Err(e) => out.push(failed("kafka topic", &e)),
    }
    out
}

async fn broker_check(broker: &str, config: &Kafka, out: &mut Vec<Check>) -> bool {
    let Some((host, port)) = broker.rsplit_once(':').and_then(|(h, p)| Some((h, p.parse::<u16>().ok()?))) else {
        out.push(Check::fail("kafka", broker, "write brokers like host:9092"));
        return false;
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name = if config.brokers.len() == 1 { "kafka".to_owned() } else { format!("kafka {broker}") };
    reach(&Place { name: &name, host, port, tls: config.tls.as_ref() }, out).await
}

/// Partitions, what they hold, and what of it is not in the journal yet.
async fn topic(stream: &Stream, config: &Kafka, read: &[Origin]) -> Result<Check, Error> {
    let began = Instant::now();
    let partitions = stream.partitions().await?;
    let (mut held, mut behind, mut lost) = (0, 0, 0);
    for partition in &partitions {
        let (first, next) = stream.reader(*partition, Some(0)).await?.range().await?;
        let ours = read.iter().find(|o| o.partition == *partition).map_or(first, |o| o.offset.saturating_add(1));
        held += next.saturating_sub(first).max(0);
        behind += next.saturating_sub(ours.max(first)).max(0);
        lost += first.saturating_sub(ours).max(0);
    }
    let number = |n: i64| grouped(u64::try_from(n).unwrap_or(0));
    let found = format!(
        "{}: {}, {} messages held, {} of them not read yet",
        config.topic,
        counted(partitions.len() as u64, "partition", "partitions"),
        number(held),
        number(behind)
    );
    Ok(if lost > 0 {
        let found = format!("{found}; {} were dropped by the brokers before they were read", number(lost));
        Check::warn("kafka topic", found, "start noctule more often, or let the brokers keep messages longer")
    } else {
        Check::ok("kafka topic", found)
    }
    .took(began.elapsed()))
}
