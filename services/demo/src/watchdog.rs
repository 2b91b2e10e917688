//! No orphans: a shell that outlives this process by a moment and ends its children.
//!
//! Linux could do it with `PR_SET_PDEATHSIG`, but that needs `unsafe` code between fork and exec,
//! follows the thread and not the process, and other systems don't have it. A pipe that closes
//! when this process ends works everywhere.

use std::fmt;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// A signal by which a child process is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// What Ctrl-C sends; PostgreSQL's fast shutdown.
    Interrupt,
    /// The ordinary request to end.
    Terminate,
}

impl fmt::Display for Signal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Signal::Interrupt => "INT",
            Signal::Terminate => "TERM",
        })
    }
}

/// Who gets a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// One process.
    Process(u32),
    /// The process group that this process leads: it and what it started.
    Group(u32),
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Process(pid) => write!(formatter, "{pid}"),
            // The notation of kill(1).
            Target::Group(pid) => write!(formatter, "-{pid}"),
        }
    }
}

/// Ends the registered processes when the process that owns this value is gone, however it ended.
///
/// Dropping it has the same effect: whatever is still registered then is ended too.
#[derive(Debug)]
pub struct Watchdog {
    shell: Child,
    /// `None` only while dropping.
    orders: Mutex<Option<ChildStdin>>,
}

impl Watchdog {
    /// Starts the shell, in a process group of its own so that Ctrl-C in a terminal passes it by.
    ///
    /// # Errors
    /// Where `sh` can't be started.
    pub fn start() -> io::Result<Self> {
        let mut shell = Command::new("sh")
            .args(["-c", include_str!("watchdog.sh")])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let orders = Mutex::new(shell.stdin.take());
        Ok(Self { shell, orders })
    }

    /// Has `target` ended by `signal` when this process is gone, and killed 10 seconds later.
    ///
    /// # Errors
    /// Where the shell has ended.
    pub fn watch(&self, target: Target, signal: Signal) -> io::Result<()> {
        self.order(format_args!("watch {signal} {target}"))
    }

    /// Takes `target`, which has ended, off the list.
    ///
    /// # Errors
    /// Where the shell has ended.
    pub fn forget(&self, target: Target) -> io::Result<()> {
        self.order(format_args!("forget {target}"))
    }

    /// Sends `signal` to `target`, a child that has not been waited for yet.
    ///
    /// # Errors
    /// Where the shell has ended.
    pub fn signal(&self, target: Target, signal: Signal) -> io::Result<()> {
        self.order(format_args!("signal {signal} {target}"))
    }

    /// Has `path` deleted when this process is gone and its children have ended.
    ///
    /// # Errors
    /// Where the shell has ended.
    pub fn remove(&self, path: &Path) -> io::Result<()> {
        self.order(format_args!("remove {}", path.display()))
    }

    fn order(&self, line: fmt::Arguments<'_>) -> io::Result<()> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        match orders.as_mut() {
            Some(pipe) => {
                // One write a line: a line cut in two by a kill would name another process.
                pipe.write_all(format!("{line}\n").as_bytes())?;
                pipe.flush()
            }
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(
            self.orders
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        // It ends by itself at the end of its input; waiting only reaps it.
        drop(self.shell.wait());
    }
}
