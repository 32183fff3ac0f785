//! The handle by which tests (and nobody else) make things happen in a simulated network.

use std::sync::{Arc, MutexGuard};

use bytes::Bytes;

use super::OnuAlarm;
use super::kafka::{Broker, Message};
use super::network::layout::{Stack, uuid};
use super::network::{OltAct, OnuAct, SECOND, Step, World};
use super::run::{Live, Served, TOPIC};

/// Makes things happen. Stacks, OLTs and PON ports are counted from 0, as are the ONUs of a stack.
#[derive(Debug, Clone)]
pub struct Control {
    live: Arc<Live>,
    served: Arc<[Served]>,
}

impl Control {
    pub(super) const fn new(live: Arc<Live>, served: Arc<[Served]>) -> Self {
        Self { live, served }
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.live.world()
    }

    pub(super) fn served(&self) -> &[Served] {
        &self.served
    }

    /// Number of stacks.
    #[must_use]
    pub fn stacks(&self) -> usize {
        self.served.len()
    }

    fn stack<T>(&self, stack: usize, read: impl FnOnce(&Stack) -> Option<T>) -> Option<T> {
        self.world().stacks.get(stack).and_then(read)
    }

    /// Indices of the ONUs on a PON port that VOLTHA holds.
    #[must_use]
    pub fn onus_of(&self, stack: usize, olt: usize, pon: usize) -> Vec<usize> {
        self.stack(stack, |s| Some(s.pon_onus(olt, pon).filter(|i| s.onus.get(*i).is_some_and(|o| o.exists)).collect()))
            .unwrap_or_default()
    }

    /// Serial number of an ONU.
    #[must_use]
    pub fn onu_serial(&self, stack: usize, onu: usize) -> Option<String> {
        self.stack(stack, |s| s.onus.get(onu).map(|_| s.serial(onu)))
    }

    /// Present device id of an ONU.
    #[must_use]
    pub fn onu_id(&self, stack: usize, onu: usize) -> Option<String> {
        self.stack(stack, |s| s.onus.get(onu).filter(|o| o.exists).map(|o| uuid(o.id)))
    }

    /// Serial number of an OLT.
    #[must_use]
    pub fn olt_serial(&self, stack: usize, olt: usize) -> Option<String> {
        self.stack(stack, |s| s.olts.get(olt).map(|o| o.serial.clone()))
    }

    /// Present device id of an OLT.
    #[must_use]
    pub fn olt_id(&self, stack: usize, olt: usize) -> Option<String> {
        self.stack(stack, |s| s.olts.get(olt).filter(|o| o.exists).map(|o| uuid(o.id)))
    }

    /// A feeder fibre is cut: loss of signal, then the devices are lost.
    pub fn cut_fibre(&self, stack: usize, olt: usize, pon: usize) {
        self.world().cut_fibre(stack, olt, pon);
    }

    /// It is spliced: the port clears, the ONUs return, their loss of signal is never cleared.
    pub fn repair_fibre(&self, stack: usize, olt: usize, pon: usize) {
        self.world().repair_fibre(stack, olt, pon);
    }

    /// Loss of signal of a PON port without any change of device states, as BBSim gives it.
    pub fn pon_los(&self, stack: usize, olt: usize, pon: usize, raise: bool) {
        self.world().pon_los(stack, olt, pon, raise);
    }

    /// Mains of the street of an ONU fail; returns the ONUs concerned.
    pub fn street_power_off(&self, stack: usize, onu: usize) -> Vec<usize> {
        let mut world = self.world();
        let onus = world.stacks.get(stack).map(|s| s.neighbours(onu)).unwrap_or_default();
        world.power_off(stack, &onus);
        onus
    }

    /// Mains are back.
    pub fn power_on(&self, stack: usize, onus: &[usize]) {
        self.world().power_on(stack, onus);
    }

    /// An ONU drops off for some seconds.
    pub fn flap(&self, stack: usize, onu: usize, seconds: i64) {
        self.world().flap(stack, onu, seconds * SECOND);
    }

    /// An OLT is rebooted: all its ONUs return under new ids.
    pub fn reboot_olt(&self, stack: usize, olt: usize) {
        self.world().reboot_olt(stack, olt);
    }

    /// The management connection of an OLT is lost or regained.
    pub fn olt_contact(&self, stack: usize, olt: usize, lost: bool) {
        self.world().olt_contact(stack, olt, lost);
    }

    /// An alarm of an ONU is raised.
    pub fn raise(&self, stack: usize, onu: usize, alarm: OnuAlarm) {
        self.world().onu_after(0, stack, onu, OnuAct::Raise(alarm));
    }

    /// An alarm of an ONU is cleared, raised before or not.
    pub fn clear(&self, stack: usize, onu: usize, alarm: OnuAlarm) {
        self.world().onu_after(0, stack, onu, OnuAct::Clear(alarm));
    }

    /// The ONU adapter tells that OMCI failed; nothing ever clears that.
    pub fn omci_failure(&self, stack: usize, onu: usize) {
        self.world().onu_after(0, stack, onu, OnuAct::OmciFailure);
    }

    /// The flows of an ONU vanish, or are back, and no event tells it.
    pub fn flows(&self, stack: usize, onu: usize, there: bool) {
        self.world().onu_after(0, stack, onu, OnuAct::Flows(there));
    }

    /// A flow that the core accepted is refused by an adapter: an RPC event.
    pub fn flow_failure(&self, stack: usize, olt: usize, onu: usize) {
        self.world().olt_after(0, stack, olt, OltAct::FlowFailure { onu });
    }

    /// A new ONU is plugged in at the first free place of a PON port; returns its index.
    #[must_use]
    pub fn plug_in(&self, stack: usize, olt: usize, pon: usize) -> Option<usize> {
        let mut world = self.world();
        let stacks = world.stacks.get(stack)?;
        let onu = stacks.pon_onus(olt, pon).find(|i| stacks.onus.get(*i).is_some_and(|o| !o.exists))?;
        world.plug_in(stack, onu);
        Some(onu)
    }

    /// Optical measurements of an ONU are published.
    pub fn measure(&self, stack: usize, onu: usize) {
        self.world().onu_after(0, stack, onu, OnuAct::Optics);
    }

    /// An adapter (0 openolt, 1 openonu) dies or returns: only its last sign of life tells.
    pub fn adapter(&self, stack: usize, adapter: usize, alive: bool) {
        self.world().after(0, Step::Adapter { stack, adapter, alive });
    }

    /// The core restarts: connections break, the logical switches forget their flows for a time.
    pub fn core_restart(&self, stack: usize, drift_seconds: i64) {
        self.world().core_restart(stack, drift_seconds * SECOND);
        self.drop_connections(stack);
    }

    /// Alarms at a rate (events a second), over all stacks.
    pub fn storm(&self, rate: u32, seconds: i64) {
        self.world().storm(SECOND / i64::from(rate.max(1)), seconds * SECOND);
    }

    /// Cuts every connection of a stack, gRPC and Kafka.
    pub fn drop_connections(&self, stack: usize) {
        if let Some(s) = self.served.get(stack) {
            s.grpc.drop_connections();
            s.kafka.drop_connections();
        }
    }

    /// While on, a stack accepts calls and answers none.
    pub fn hang(&self, stack: usize, on: bool) {
        if let Some(s) = self.served.get(stack) {
            s.grpc.set_hang(on);
            s.kafka.hang(on);
        }
    }

    /// While on, the gRPC server closes every connection at once.
    pub fn grpc_down(&self, stack: usize, on: bool) {
        if let Some(s) = self.served.get(stack) {
            s.grpc.set_refuse(on);
            if on {
                s.grpc.drop_connections();
            }
        }
    }

    /// The Kafka cluster of a stack, for what only a broker can do (leaders, refusals, bad answers).
    #[must_use]
    pub fn kafka(&self, stack: usize) -> Option<&Broker> {
        self.served.get(stack).map(|s| &s.kafka)
    }

    /// Puts a message of any bytes into the topic; returns its offset.
    pub fn message(&self, stack: usize, key: &str, value: Vec<u8>) -> Option<i64> {
        let timestamp_ms = self.world().stamp() / 1_000;
        let message = Message { key: Some(Bytes::from(key.to_owned())), value: value.into(), timestamp_ms };
        self.kafka(stack)?.append(TOPIC, 0, &[message])
    }

    /// Puts a message into the topic that is no event.
    pub fn garbage(&self, stack: usize) -> Option<i64> {
        self.message(stack, "", (0..=255).rev().cycle().take(777).collect())
    }

    /// Puts a message of this many MiB into the topic.
    pub fn huge(&self, stack: usize, mib: usize) -> Option<i64> {
        self.message(stack, "", vec![0xff; mib << 20])
    }

    /// Makes a node the leader of a partition of the topic.
    pub fn move_leader(&self, stack: usize, partition: usize, node: i32) {
        if let Some(kafka) = self.kafka(stack) {
            kafka.move_leader(TOPIC, partition, node);
        }
    }
}
