//! What a consumer of somebody else's making sees: Kafka's own Java console consumer, which reads
//! committed transactions only.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::error::{KafkaError, While};
use super::private::find_java;
use super::security::container;

const PROGRAM: &str = "org.apache.kafka.tools.consumer.ConsoleConsumer";
/// Neither is part of a header, a key or a number.
const FIELD: char = '\t';
const HEADER: char = '\u{1f}';
/// How the program names the columns.
const PARTITION: &str = "Partition:";
const OFFSET: &str = "Offset:";

/// A record as the console consumer prints it, without its value: that is not text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedRecord {
    /// Its partition, from 0.
    pub partition: i32,
    /// Its place there.
    pub offset: i64,
    /// Its headers as text.
    pub headers: BTreeMap<String, String>,
    /// Its key as text; `null` where it has none.
    pub key: String,
}

/// Reads a topic from its beginning until `is_last` says of a record that it is the last one.
///
/// A reader of committed records never passes an open transaction: what a test writes after all
/// else, one record to each partition, is the way to know the end.
///
/// # Errors
/// Where the consumer ends before, or has not come to the last record in time; then with what it
/// read.
pub fn read_committed(
    bootstrap: &str,
    topic: &str,
    within: Duration,
    mut is_last: impl FnMut(&CommittedRecord) -> bool,
) -> Result<Vec<CommittedRecord>, KafkaError> {
    let deadline = Instant::now() + within;
    let (mut consumer, lines) = start(bootstrap, topic)?;
    let mut records = Vec::new();
    let outcome = loop {
        let line = match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => line,
            Err(reason) => break Err(stopped(topic, records.len(), reason)),
        };
        let record = match parse(&line) {
            Some(record) => record,
            None => {
                break Err(KafkaError::Printed {
                    program: PROGRAM,
                    line,
                });
            }
        };
        let last = is_last(&record);
        records.push(record);
        if last {
            break Ok(records);
        }
    };
    // It would go on for ever.
    drop(consumer.kill());
    drop(consumer.wait());
    outcome
}

fn start(bootstrap: &str, topic: &str) -> Result<(Child, Receiver<String>), KafkaError> {
    let java = find_java()?;
    let here = Path::new("/");
    let mut consumer = java
        .command(PROGRAM, &["-Xmx128m"], here, &container(Path::new(topic)))
        .args(["--bootstrap-server", bootstrap, "--topic", topic])
        .args(["--from-beginning", "--isolation-level", "read_committed"])
        .args(["--formatter-property", "print.partition=true"])
        .args(["--formatter-property", "print.offset=true"])
        .args(["--formatter-property", "print.headers=true"])
        .args(["--formatter-property", "print.key=true"])
        .args(["--formatter-property", "print.value=false"])
        .arg("--formatter-property")
        .arg(format!("key.separator={FIELD}"))
        .arg("--formatter-property")
        .arg(format!("headers.separator={HEADER}"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .while_(|| format!("starting {PROGRAM}"))?;
    let output = consumer
        .stdout
        .take()
        .ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe))
        .while_(|| format!("reading what {PROGRAM} prints"))?;
    Ok((consumer, lines_of(output)))
}

/// The lines as they come: reading itself can't be given a time limit.
fn lines_of(output: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        for line in lines {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn stopped(topic: &str, read: usize, reason: RecvTimeoutError) -> KafkaError {
    let reason = match reason {
        RecvTimeoutError::Timeout => "not at the last record in time",
        RecvTimeoutError::Disconnected => "it ended before the last record",
    };
    KafkaError::Command {
        command: format!("{PROGRAM} --topic {topic}"),
        output: format!("{reason}, after {read} records"),
    }
}

/// `Partition:0`, `Offset:3`, `name:value` with its separators or `NO_HEADERS`, and the key.
fn parse(line: &str) -> Option<CommittedRecord> {
    let mut fields = line.splitn(4, FIELD);
    let partition = fields.next()?.strip_prefix(PARTITION)?.parse().ok()?;
    let offset = fields.next()?.strip_prefix(OFFSET)?.parse().ok()?;
    let headers = match fields.next()? {
        "NO_HEADERS" => BTreeMap::new(),
        headers => headers
            .split(HEADER)
            .map(|header| header.split_once(':'))
            .map(|header| header.map(|(name, value)| (name.to_owned(), value.to_owned())))
            .collect::<Option<_>>()?,
    };
    Some(CommittedRecord {
        partition,
        offset,
        headers,
        key: fields.next()?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_partition_offset_headers_and_key() {
        let record = parse("Partition:2\tOffset:41\tce_id:a:b\u{1f}ce_type:t\tthe key");
        let headers = [("ce_id", "a:b"), ("ce_type", "t")];
        assert_eq!(
            record,
            Some(CommittedRecord {
                partition: 2,
                offset: 41,
                headers: headers
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .into(),
                key: "the key".to_owned(),
            })
        );
    }

    #[test]
    fn a_line_of_another_format_is_not_a_record() {
        assert_eq!(parse("Processed a total of 3 messages"), None);
        assert_eq!(parse("Partition:2\tOffset:x\tNO_HEADERS\tkey"), None);
    }
}
