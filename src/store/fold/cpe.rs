//! One CPE as the fold holds it, and its row.

use rusqlite::{Connection, Row, ToSql, params};

use crate::model::cpe::{CpePatch, serial_forms};

use super::sql::{CPE_COLUMNS, CPE_INDEXED, Sql};

/// A CPE.
#[derive(Debug, Clone, Default)]
pub(super) struct Cpe {
    pub id: i64,
    pub ch: i64,
    pub source: u32,
    pub device: String,
    manufacturer: String,
    oui: String,
    product_class: String,
    model: String,
    firmware: String,
    hardware: String,
    last_inform: i64,
    last_boot: i64,
    registered: i64,
    tags: String,
    rx: Option<i32>,
    tx: Option<i32>,
    ip: String,
    ssid: String,
    pppoe_user: String,
    uptime: Option<i64>,
    pub faults: u32,
    pub as_of: i64,
    pub patch_hash: u64,
    serial: String,
    sk: String,
    sh: String,
    /// It has no row yet.
    pub fresh: bool,
    /// Its serial number changed: the indexes on it must follow.
    renamed: bool,
}

impl Cpe {
    /// A device of which nothing is known but its id.
    pub(super) fn new(id: i64, ch: i64, source: u32, device: &str, faults: u32) -> Self {
        Self { id, ch, source, device: device.to_owned(), faults, fresh: true, ..Self::default() }
    }

    /// From a row of `Sql::cpe_by_id`.
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            ch: row.get(1)?,
            source: row.get(2)?,
            device: row.get(3)?,
            manufacturer: row.get(4)?,
            oui: row.get(5)?,
            product_class: row.get(6)?,
            model: row.get(7)?,
            firmware: row.get(8)?,
            hardware: row.get(9)?,
            last_inform: row.get(10)?,
            last_boot: row.get(11)?,
            registered: row.get(12)?,
            tags: row.get(13)?,
            rx: row.get(14)?,
            tx: row.get(15)?,
            ip: row.get(16)?,
            ssid: row.get(17)?,
            pppoe_user: row.get(18)?,
            uptime: row.get(19)?,
            faults: row.get(20)?,
            as_of: row.get(21)?,
            patch_hash: row.get::<_, i64>(22)? as u64,
            serial: row.get(23)?,
            sk: row.get(24)?,
            sh: row.get(25)?,
            fresh: false,
            renamed: false,
        })
    }

    /// Copies what the patch tells.
    pub(super) fn take(&mut self, patch: &CpePatch) {
        fn put<T: Clone>(to: &mut T, from: Option<&T>) {
            if let Some(new) = from {
                to.clone_from(new);
            }
        }
        put(&mut self.manufacturer, patch.manufacturer.as_ref());
        put(&mut self.oui, patch.oui.as_ref());
        put(&mut self.product_class, patch.product_class.as_ref());
        put(&mut self.model, patch.model.as_ref());
        put(&mut self.firmware, patch.firmware.as_ref());
        put(&mut self.hardware, patch.hardware.as_ref());
        put(&mut self.ip, patch.ip.as_ref());
        put(&mut self.ssid, patch.ssid.as_ref());
        put(&mut self.pppoe_user, patch.pppoe_user.as_ref());
        for (to, from) in [
            (&mut self.last_inform, patch.last_inform),
            (&mut self.last_boot, patch.last_boot),
            (&mut self.registered, patch.registered),
        ] {
            put(to, from.map(|t| t.0).as_ref());
        }
        if let Some(tags) = &patch.tags {
            self.tags = tags.join(", ");
        }
        self.rx = patch.rx_centi_dbm.or(self.rx);
        self.tx = patch.tx_centi_dbm.or(self.tx);
        self.uptime = patch.uptime_s.map(|s| i64::try_from(s).unwrap_or(i64::MAX)).or(self.uptime);
        if let Some(serial) = patch.serial.as_ref().filter(|s| **s != self.serial) {
            self.serial.clone_from(serial);
            (self.sk, self.sh) = serial_forms(serial);
            self.renamed = true;
        }
    }

    /// Writes the row.
    pub(super) fn save(&self, conn: &Connection, sql: &Sql) -> rusqlite::Result<()> {
        let (text, count) = match (self.fresh, self.renamed) {
            (true, _) => (&sql.insert_cpe, CPE_COLUMNS),
            (false, true) => (&sql.update_cpe, CPE_COLUMNS),
            (false, false) => (&sql.touch_cpe, CPE_COLUMNS - CPE_INDEXED),
        };
        let values: &[&dyn ToSql] = params![
            self.id,
            self.ch,
            self.source,
            self.device,
            self.manufacturer,
            self.oui,
            self.product_class,
            self.model,
            self.firmware,
            self.hardware,
            self.last_inform,
            self.last_boot,
            self.registered,
            self.tags,
            self.rx,
            self.tx,
            self.ip,
            self.ssid,
            self.pppoe_user,
            self.uptime,
            self.faults,
            self.as_of,
            self.patch_hash as i64,
            self.serial,
            self.sk,
            self.sh,
        ];
        conn.prepare_cached(text)?.execute(values.get(..count).unwrap_or(values))?;
        Ok(())
    }
}
