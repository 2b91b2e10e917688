//! A library that asks whether it may log, and then does not, takes no line of ours with it. Alone in its
//! process: the subscriber is the process's.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use telemetry::{Export, LogFormat, Logs, Service, Telemetry};

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_line_is_written_after_a_library_only_asked_whether_it_may_log() {
    let written = Written::default();
    let service = Service {
        name: "test",
        version: "0.0.0",
    };
    let writer = written.clone();
    // One target is wanted in detail, so libraries do ask.
    let logs = Logs::new("other=debug,info", LogFormat::Json, move || writer.clone());
    let telemetry = Telemetry::start(service, logs, Export::Off).unwrap();

    for number in 0..3 {
        let _ = log::log_enabled!(target: "sqlx::query", log::Level::Debug);
        tracing::error!(number, "nothing is published");
    }

    telemetry.stop().await;
    let written = written.0.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = String::from_utf8_lossy(&written);
    assert_eq!(lines.matches("nothing is published").count(), 3, "{lines}");
}
