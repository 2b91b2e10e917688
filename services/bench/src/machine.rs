//! Whether figures of this machine mean anything now.
//!
//! Three witnesses: a fixed piece of arithmetic that every core does between two rounds; the
//! processor time that went to others than this process and what it started; and the time that a
//! hypervisor gave to other machines. The last two are Linux's.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    hint::black_box,
    thread,
    time::{Duration, Instant},
};

/// Most of the processor time that others may take.
const OTHERS_MAX: f64 = 0.05;
/// Most that a hypervisor may take.
const STEAL_MAX: f64 = 0.01;
/// How much longer the arithmetic may take at one time than at the median time.
const CALIBRATION_SPREAD_MAX: f64 = 0.10;
/// How long to wait for what was there before, a build say, to end.
const SETTLE_WITHIN: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_secs(2);

/// Clock ticks of every core since the machine started.
#[derive(Clone, Copy)]
struct Ticks {
    total: u64,
    /// Spent on anything.
    busy: u64,
    stolen: u64,
    /// Spent by this process and its descendants.
    own: u64,
}

/// What was seen of the machine from a moment on.
pub struct Watch {
    since: Option<Ticks>,
    calibrations: Vec<Duration>,
}

impl Watch {
    /// Begins as things are.
    pub fn begin() -> Self {
        Self {
            since: Ticks::now(),
            calibrations: Vec::new(),
        }
    }

    /// Waits until nobody else is busy, for a minute at most, and begins.
    pub async fn settle() -> Self {
        let begun = Instant::now();
        loop {
            let before = Ticks::now();
            tokio::time::sleep(LOOK).await;
            let quiet = match (before, Ticks::now()) {
                (Some(before), Some(now)) => before.until(now).others <= OTHERS_MAX,
                // Elsewhere than on Linux only the arithmetic can tell.
                _ => true,
            };
            if quiet || begun.elapsed() > SETTLE_WITHIN {
                return Self::begin();
            }
        }
    }

    /// Does the arithmetic once on every core. Nothing of ours may run meanwhile.
    pub fn calibrate(&mut self) {
        self.calibrations.push(calibration());
    }

    /// The shares so far.
    pub fn shares(&self) -> Option<Shares> {
        Some(self.since?.until(Ticks::now()?))
    }

    /// The longest calibration over the median one, less one.
    pub fn calibration_spread(&self) -> f64 {
        let mut sorted: Vec<f64> = self
            .calibrations
            .iter()
            .map(Duration::as_secs_f64)
            .collect();
        sorted.sort_by(f64::total_cmp);
        match (sorted.get(sorted.len() / 2), sorted.last()) {
            (Some(median), Some(longest)) => longest / median - 1.0,
            _ => 0.0,
        }
    }

    /// Why the figures mean nothing, if so.
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let percent = |share: f64| (share * 1000.0).round() / 10.0;
        if let Some(shares) = self.shares() {
            if shares.others > OTHERS_MAX {
                complaints.push(format!(
                    "other processes took {} % of the processors (at most {} %)",
                    percent(shares.others),
                    percent(OTHERS_MAX)
                ));
            }
            if shares.stolen > STEAL_MAX {
                complaints.push(format!(
                    "the hypervisor took {} % of the processors (at most {} %)",
                    percent(shares.stolen),
                    percent(STEAL_MAX)
                ));
            }
        }
        let spread = self.calibration_spread();
        if spread > CALIBRATION_SPREAD_MAX {
            complaints.push(format!(
                "the same arithmetic took up to {} % longer than usual (at most {} %)",
                percent(spread),
                percent(CALIBRATION_SPREAD_MAX)
            ));
        }
        complaints
    }
}

/// Of all processor time since the watch began.
#[derive(Clone, Copy)]
pub struct Shares {
    /// Of other processes.
    pub others: f64,
    /// Of the hypervisor.
    pub stolen: f64,
}

impl Ticks {
    fn now() -> Option<Self> {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        let numbers: Vec<u64> = stat
            .lines()
            .next()?
            .split_whitespace()
            .skip(1)
            .map_while(|word| word.parse().ok())
            .collect();
        let [user, nice, system, idle, waiting, irq, softirq, stolen, ..] = *numbers.as_slice()
        else {
            return None;
        };
        Some(Self {
            total: user + nice + system + idle + waiting + irq + softirq + stolen,
            busy: user + nice + system,
            stolen,
            own: own_ticks()?,
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "ticks of minutes")]
    fn until(self, later: Self) -> Shares {
        let total = later.total.saturating_sub(self.total).max(1) as f64;
        let busy = later.busy.saturating_sub(self.busy);
        let own = later.own.saturating_sub(self.own);
        Shares {
            others: busy.saturating_sub(own) as f64 / total,
            stolen: later.stolen.saturating_sub(self.stolen) as f64 / total,
        }
    }
}

/// One line of `/proc/PID/stat`.
struct Process {
    parent: u32,
    /// Its own and those of its descendants that have ended.
    ticks: u64,
}

/// Of this process and whatever it started, also what has ended since.
fn own_ticks() -> Option<u64> {
    let processes: BTreeMap<u32, Process> = fs::read_dir("/proc")
        .ok()?
        .flatten()
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            Some((id, parse_process(&stat)?))
        })
        .collect();
    let mut ours = BTreeSet::from([std::process::id()]);
    loop {
        let found: Vec<u32> = processes
            .iter()
            .filter(|(id, process)| ours.contains(&process.parent) && !ours.contains(id))
            .map(|(id, _)| *id)
            .collect();
        if found.is_empty() {
            break;
        }
        ours.extend(found);
    }
    let ticks = ours.iter().filter_map(|id| processes.get(id));
    Some(ticks.map(|process| process.ticks).sum())
}

/// The name in parentheses may hold anything; what follows it is numbers. See proc_pid_stat(5).
fn parse_process(stat: &str) -> Option<Process> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let times = fields.get(11..15)?;
    Some(Process {
        parent: fields.get(1)?.parse().ok()?,
        ticks: times
            .iter()
            .map(|field| field.parse::<u64>().unwrap_or_default())
            .sum(),
    })
}

/// How long every core needs for the same arithmetic, all at once; the slowest counts.
fn calibration() -> Duration {
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    thread::scope(|scope| {
        let running: Vec<_> = (0..cores).map(|_| scope.spawn(arithmetic)).collect();
        running
            .into_iter()
            .filter_map(|core| core.join().ok())
            .max()
            .unwrap_or_default()
    })
}

/// Some 50 ms: long enough to meet whoever else wants the core.
fn arithmetic() -> Duration {
    let begun = Instant::now();
    let mut value = 1_u64;
    for round in 0..40_000_000_u64 {
        value = black_box(
            value
                .wrapping_mul(0x5851_F42D_4C95_7F2D)
                .wrapping_add(round),
        );
    }
    black_box(value);
    begun.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name() {
        let stat = "307 (a ) R (b) S 304 304 4491 0 -1 4194304 102 0 0 0 10 20 3 4 20 0 1 0";
        let process = parse_process(stat).expect("a process");
        assert_eq!((process.parent, process.ticks), (304, 37));
    }

    #[test]
    fn a_machine_on_which_others_are_busy_is_complained_of() {
        let begun = Ticks {
            total: 0,
            busy: 0,
            stolen: 0,
            own: 0,
        };
        let shares = begun.until(Ticks {
            total: 1000,
            busy: 700,
            stolen: 20,
            own: 600,
        });
        assert!(shares.others > OTHERS_MAX && shares.stolen > STEAL_MAX);
    }

    #[test]
    fn arithmetic_that_is_slower_at_one_time_is_complained_of() {
        let calibrations = [50, 51, 50, 50, 70].map(Duration::from_millis).to_vec();
        let watch = Watch {
            since: None,
            calibrations,
        };
        assert_eq!(watch.complaints().len(), 1, "{:?}", watch.complaints());
    }
}
