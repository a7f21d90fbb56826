//! CPU time of threads.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// CPU time of the calling thread.
pub fn of_this_thread() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer; this clock always exists.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// What the whole machine and this process have used so far, in the kernel's ticks.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    total: u64,
    busy: u64,
    own: u64,
}

impl Machine {
    /// Up to now (proc_stat(5), proc_pid_stat(5)).
    pub fn now() -> io::Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        let first = stat.lines().next().unwrap_or_default();
        // user nice system idle iowait irq softirq steal; guests are counted in user already.
        let ticks: Vec<u64> =
            first.split_whitespace().skip(1).take(8).filter_map(|tick| tick.parse().ok()).collect();
        let [.., idle, iowait, _, _, _] = ticks[..] else {
            return Err(io::Error::other(format!("unknown format: {first}")));
        };
        let total = ticks.iter().sum();
        let own = split(&fs::read_to_string("/proc/self/stat")?)?;
        Ok(Self { total, busy: total - idle - iowait, own: own.user + own.system })
    }

    /// The share of the machine that other processes took since `earlier`, 0 to 1.
    pub fn others_since(self, earlier: Self) -> f64 {
        let busy = (self.busy - earlier.busy) as f64;
        let others = busy - (self.own - earlier.own) as f64;
        others.max(0.0) / (self.total - earlier.total).max(1) as f64
    }
}

/// Waits until other processes take no more than `share` of the machine for a second, but no
/// longer than `patience`.
pub fn wait_for_quiet(share: f64, patience: Duration) -> io::Result<()> {
    let start = Instant::now();
    while start.elapsed() < patience {
        let before = Machine::now()?;
        std::thread::sleep(Duration::from_secs(1));
        if Machine::now()?.others_since(before) <= share {
            break;
        }
    }
    Ok(())
}

/// Another thread of this process, found by its name.
pub struct Thread {
    directory: PathBuf,
}

/// How a thread's CPU time divides, in the kernel's ticks: as a share only, the total is known
/// better from elsewhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct Split {
    /// Ticks outside of the kernel.
    pub user: u64,
    /// Ticks inside.
    pub system: u64,
}

impl Thread {
    /// Finds the only thread of this name.
    pub fn named(name: &str) -> io::Result<Self> {
        for task in fs::read_dir("/proc/self/task")? {
            let path = task?.path();
            if fs::read_to_string(path.join("comm"))?.trim_end() == name {
                return Ok(Self { directory: path });
            }
        }
        Err(io::Error::other(format!("no thread is named {name}")))
    }

    /// Its number at the kernel (gettid(2)).
    pub fn id(&self) -> i32 {
        let name = self.directory.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.parse().ok()).unwrap_or_default()
    }

    /// Up to now (proc_pid_stat(5): utime and stime).
    pub fn split(&self) -> io::Result<Split> {
        split(&fs::read_to_string(self.directory.join("stat"))?)
    }

    /// How long it waited for a core so far, though it had something to do (the second number of
    /// schedstat; Documentation/scheduler/sched-stats.rst of the kernel).
    pub fn waited(&self) -> io::Result<Duration> {
        let text = fs::read_to_string(self.directory.join("schedstat"))?;
        let waited = text.split_whitespace().nth(1).and_then(|number| number.parse().ok());
        let waited = waited.ok_or_else(|| io::Error::other(format!("unknown format: {text}")))?;
        Ok(Duration::from_nanos(waited))
    }
}

impl Split {
    /// The kernel's share of what was added since `earlier`.
    pub fn system_share_since(self, earlier: Self) -> f64 {
        let (user, system) = (self.user - earlier.user, self.system - earlier.system);
        system as f64 / (user + system).max(1) as f64
    }
}

fn split(stat: &str) -> io::Result<Split> {
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let mut fields = after_name.split_whitespace().skip(11).map(str::parse);
    match (fields.next(), fields.next()) {
        (Some(Ok(user)), Some(Ok(system))) => Ok(Split { user, system }),
        _ => Err(io::Error::other(format!("unknown format: {stat}"))),
    }
}
