//! A few jobs at the fixed instant of [`super::rows::NOW`]: one that runs in waves, one whose time
//! has not come, one that its stop rule holds, a dry run that is through, and one with a hostile name.

use noctule::model::cpe::{CpeJob, CpeRow};
use noctule::model::ids::RowId;
use noctule::model::job::read::{Format, read};
use noctule::model::job::{
    CauseRow, Class, Counts, JobDetail, JobDeviceDetail, JobDeviceRow, JobId, JobRow, Phase, Priority, StageRow,
    ValueChange, WaveBar,
};
use noctule::model::time::{DAY, HOUR, MINUTE, SECOND, Ts};

use super::rows::{HOSTILE, NOW};

const SSID: &str = "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.SSID";
const KEY: &str = "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.PreSharedKey.1.KeyPassphrase";

const GUEST: &str = "name = 'Guest WiFi north'\ndescription = 'new guest network for the north ring'\n\
    filter = 'tag=north model=HG8245H'\nexpected_count = 400\nsource = 'acs-1'\nmax_concurrent = 20\n\
    waves = { canary = 5, percent = 10 }\n[wifi]\nssid = 'Guest'\npassword = 'env:GUEST_KEY'\n";
const FIRMWARE: &str = "name = 'HG8245H to C20'\nfilter = 'model=HG8245H'\nsource = 'acs-1'\n\
    firmware_file = 'HG8245H-V3R015C20.bin'\nversion = 'V3R015C20'\nscheduled_at = '2026-11-21T02:00'\n\
    timezone = 'Africa/Lagos'\nwindow = 'until 05:00'\n";
const REBOOT: &str = "name = 'Restart F670L'\nfilter = 'model=F670L'\nsource = 'acs-1'\nverb = 'reboot'\n";

fn counts(total: u32, waiting: u32, active: u32, ended: &[(Class, u32)]) -> Counts {
    let mut counts = Counts { total, waiting, active, ..Counts::default() };
    for (class, n) in ended {
        counts.ended[*class as usize] = *n;
    }
    counts
}

fn job(id: i64, name: &str, work: &str, phase: Phase, counts: Counts) -> JobRow {
    JobRow {
        id: RowId(id),
        job: JobId([id as u8; 16]),
        name: name.to_owned(),
        source: "acs-1".to_owned(),
        work: work.to_owned(),
        phase,
        why: String::new(),
        counts,
        wave: 0,
        waves: 1,
        rate_deci: 0,
        left_us: None,
        actor: "anna".to_owned(),
        priority: Priority::Normal,
        dry_run: false,
        created_at: NOW.plus(-id * HOUR),
        started_at: NOW.plus(-id * HOUR + 2 * SECOND),
        ended_at: Ts::NEVER,
        due_at: Ts::NEVER,
        owner: String::new(),
        lease_until: Ts::NEVER,
        last_error: String::new(),
        rolls_back: None,
    }
}

/// The jobs, newest first.
pub fn jobs() -> Vec<JobRow> {
    let done = [(Class::Changed, 137), (Class::Faulted, 6), (Class::TimedOut, 3), (Class::OfflineQueued, 4)];
    vec![
        JobRow {
            wave: 2,
            waves: 3,
            rate_deci: 384,
            left_us: Some(6 * MINUTE + 30 * SECOND),
            owner: "noc-1/4711".to_owned(),
            lease_until: NOW.plus(22 * SECOND),
            last_error: "cwmp.9003: Invalid arguments".to_owned(),
            ..job(1, "Guest WiFi north", "configure", Phase::Running, counts(400, 230, 20, &done))
        },
        JobRow {
            started_at: Ts::NEVER,
            due_at: Ts::parse_rfc3339("2026-11-21T01:00:00Z").unwrap(),
            priority: Priority::High,
            ..job(2, "HG8245H to C20", "firmware", Phase::Waiting, Counts::default())
        },
        JobRow {
            why: "4 of 5 devices of wave 1 failed: the stop rule holds it at 20 %".to_owned(),
            last_error: "connection request: 401 from the device".to_owned(),
            waves: 2,
            ..job(
                3,
                "Restart F670L",
                "reboot",
                Phase::Held,
                counts(60, 55, 0, &[(Class::Changed, 1), (Class::Unknown, 4)]),
            )
        },
        JobRow {
            dry_run: true,
            ended_at: NOW.plus(-4 * HOUR + 9 * SECOND),
            ..job(
                4,
                "Guest WiFi north (dry run)",
                "configure",
                Phase::Ended,
                counts(5, 0, 0, &[(Class::WouldChange, 2), (Class::Skipped, 3)]),
            )
        },
        JobRow {
            ended_at: NOW.plus(-2 * DAY),
            created_at: NOW.plus(-2 * DAY - MINUTE),
            ..job(5, HOSTILE, "tag", Phase::Cancelled, counts(9, 0, 0, &[(Class::Cancelled, 9)]))
        },
    ]
}

/// A job with its progress.
pub fn detail(row: &JobRow) -> JobDetail {
    let bar = |total, through, failed| WaveBar { total, through, failed };
    let (text, waves, words, schedule) = match row.id.0 {
        1 | 4 => (
            GUEST,
            vec![bar(5, 5, 0), bar(40, 40, 2), bar(355, 105, 7)],
            vec!["wifi.ssid = Guest".to_owned(), "wifi.password = ••••••".to_owned()],
            String::new(),
        ),
        2 => (
            FIRMWARE,
            Vec::new(),
            vec!["HG8245H-V3R015C20.bin (version V3R015C20)".to_owned()],
            "Saturday 2026-11-21 02:00 Africa/Lagos (+01:00), in 10h58m; begins devices until 05:00".to_owned(),
        ),
        _ => (REBOOT, vec![bar(5, 5, 4), bar(55, 0, 0)], vec!["reboot".to_owned()], String::new()),
    };
    let cause = |cause: &str, devices, example: &str| CauseRow {
        cause: cause.to_owned(),
        devices,
        example: example.to_owned(),
    };
    let causes = match row.id.0 {
        1 => vec![cause("cwmp.9003", 6, "BBSM00000003"), cause("no inform within 10m", 3, "BBSM00000002")],
        3 => vec![cause("401 from the device", 4, HOSTILE)],
        _ => Vec::new(),
    };
    JobDetail {
        row: row.clone(),
        waves,
        rate_per_minute: f64::from(row.rate_deci) / 10.0,
        left_us: row.left_us,
        causes,
        schedule,
        words,
        request: read(text, Format::Toml).ok().map(|parsed| parsed.request),
        rolls_back: String::new(),
        rolled_back_by: None,
    }
}

fn device(job: i64, index: u32, cpe: (&str, &str), wave: u8, state: &'static str, why: &str) -> JobDeviceRow {
    let began = !matches!(state, "waiting" | "skipped");
    JobDeviceRow {
        id: RowId(job << 32 | i64::from(index)),
        job: JobId([job as u8; 16]),
        index,
        device: format!("00D09E-{}-{}", cpe.1, cpe.0),
        serial: cpe.0.to_owned(),
        model: cpe.1.to_owned(),
        wave,
        state,
        why: why.to_owned(),
        attempt: u32::from(began),
        task: String::new(),
        sent_at: if began { NOW.plus(-5 * MINUTE) } else { Ts::NEVER },
        changed_at: NOW.plus(-4 * MINUTE),
        restorable: u32::from(began),
        lost: u32::from(began),
    }
}

/// The devices of all jobs.
pub fn devices() -> Vec<JobDeviceRow> {
    let hg = |serial: &'static str| (serial, "HG8245H");
    vec![
        device(1, 0, hg("BBSM00000001"), 0, "changed", "2 values read back as wanted"),
        device(1, 1, hg("BBSM00000002"), 1, "timed-out", "no inform within 10m"),
        device(1, 2, hg("BBSM00000003"), 1, "faulted", "Invalid arguments; WLANConfiguration.1.SSID: 9007 too long"),
        device(1, 3, (HOSTILE, "F670L"), 2, "offline-queued", "Device is offline"),
        device(1, 4, hg("BBSM00000004"), 2, "written", ""),
        device(1, 5, hg("BBSM00000005"), 2, "waiting", ""),
        device(3, 0, ("ZTEG0A1B2C3D", "F670L"), 0, "unknown", "no answer, and no task was found"),
        device(4, 0, hg("BBSM00000001"), 0, "would-change", "2 values would change"),
        device(4, 1, hg("BBSM00000002"), 0, "would-change", "1 value would change"),
        device(4, 2, hg("BBSM00000003"), 0, "skipped", "faulted: cwmp.9003"),
        device(4, 3, hg("BBSM00000004"), 0, "skipped", "already equal"),
        device(4, 4, ("FHTT01020304", "AN5506"), 0, "skipped", "wrong model: its profile has no wifi.ssid"),
    ]
}

/// A device of a job.
pub fn device_detail(row: &JobDeviceRow, cpes: &[CpeRow]) -> JobDeviceDetail {
    let value = |path: &str, old: &str, new: &str, lost| ValueChange {
        path: path.to_owned(),
        old: old.to_owned(),
        new: new.to_owned(),
        lost,
    };
    let cpe = cpes.iter().find(|c| c.device_id == row.device);
    let wrote = row.restorable > 0;
    JobDeviceDetail {
        row: row.clone(),
        values: if wrote {
            vec![value(SSID, "Home-01", "Guest", false), value(KEY, "", "••••••", true)]
        } else {
            Vec::new()
        },
        evidence: if row.state == "unknown" {
            vec![StageRow {
                at: NOW.plus(-5 * MINUTE),
                stage: "accepted",
                text: "the device took the order".to_owned(),
            }]
        } else {
            Vec::new()
        },
        cause: if row.state == "faulted" { "cwmp.9003".to_owned() } else { String::new() },
        stuck: false,
        cpe: cpe.map(|c| c.id),
        onu: cpe.map(|c| c.onu.clone()).unwrap_or_default(),
    }
}

/// The jobs of a CPE.
pub fn of_cpe(row: &CpeRow) -> Vec<CpeJob> {
    let of = |device: JobDeviceRow| {
        let job = jobs().into_iter().find(|j| j.job == device.job)?;
        Some(CpeJob {
            id: job.id,
            name: job.name,
            work: job.work,
            dry_run: job.dry_run,
            state: device.state,
            why: device.why,
            at: device.changed_at,
        })
    };
    let mut found: Vec<CpeJob> = devices().into_iter().filter(|d| d.device == row.device_id).filter_map(of).collect();
    found.reverse();
    found
}
