//! The file of an archived part of the log: lines of JSON, compressed with gzip. The first line says what the
//! file is, each further one is a number of the log with its event, the last one counts the numbers and has the
//! SHA-256 of everything before it. `zcat` and `jq` read it, in twenty years as well.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, BufWriter, Read as _, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use flate2::{Compression, bufread::GzDecoder, write::GzEncoder};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// The first line's `format`.
pub const FORMAT: &str = "renkei-event-log/1";
/// Longest line that is read: an event with a bank's texts is far below.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`].
    pub format: String,
    /// The first number that the part may have.
    pub first: i64,
    /// The last number that it may have.
    pub last: i64,
    /// The data's lineage, as the relay knows it: the cluster's identifier, its timeline, the database's oid.
    pub lineage: Lineage,
    /// When the file was begun.
    pub made_at: DateTime<Utc>,
}

/// Which data it is from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    /// PostgreSQL's system identifier.
    pub system_identifier: Option<i64>,
    /// The timeline.
    pub timeline: Option<String>,
    /// The database's oid.
    pub database_oid: Option<i64>,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
struct Trailer {
    numbers: i64,
    sha256: String,
}

/// A line between them, as far as it is checked.
#[derive(Deserialize)]
struct Line {
    log: LogRow,
    event: Option<EventRow>,
}

#[derive(Deserialize)]
struct LogRow {
    global_sequence: i64,
    epoch: i32,
    event_id: Uuid,
    aggregate_type: String,
    aggregate_id: String,
    sequence: i64,
    position: i64,
    appended_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct EventRow {
    event_id: Uuid,
    aggregate_type: String,
    aggregate_id: String,
    sequence: i64,
    #[serde(rename = "payload")]
    _payload: serde::de::IgnoredAny,
}

/// What a file was found to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contents {
    /// The first line.
    pub header: Header,
    /// How many numbers.
    pub numbers: i64,
    /// The greatest position among them.
    pub last_position: i64,
    /// When the last number was given.
    pub last_appended_at: Option<DateTime<Utc>>,
    /// SHA-256 of the file as it is, lower-case hex.
    pub file_sha256: String,
}

/// Why a file is not what it should be, or could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveFileError {
    /// The file system's, or the compression's.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The file says something that can't be.
    #[error("{path}, line {line}: {what}")]
    Broken {
        /// The file.
        path: String,
        /// Counted from 1.
        line: u64,
        /// What is wrong.
        what: String,
    },
}

fn hex(digest: Sha256) -> String {
    digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A file under way. Under its own name it is there only when it is whole.
pub struct ArchiveWriter {
    gzip: GzEncoder<BufWriter<File>>,
    content: Sha256,
    numbers: i64,
    path: PathBuf,
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

impl ArchiveWriter {
    /// Begins a file that only its owner may read; one that is there is never written over.
    ///
    /// # Errors
    /// [`ArchiveFileError::Io`].
    pub fn begin(path: &Path, header: &Header) -> Result<Self, ArchiveFileError> {
        if path.exists() {
            return Err(io_error(path)(io::ErrorKind::AlreadyExists.into()));
        }
        let partial = partial(path);
        // What an interrupted attempt left.
        match std::fs::remove_file(&partial) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(io_error(&partial)(error));
            }
            _ => {}
        }
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&partial)
            .map_err(io_error(&partial))?;
        let mut writer = Self {
            gzip: GzEncoder::new(BufWriter::new(file), Compression::default()),
            content: Sha256::new(),
            numbers: 0,
            path: path.to_owned(),
        };
        writer.line(&json(header))?;
        Ok(writer)
    }

    /// Adds a number of the log with its event, both as JSON objects.
    ///
    /// # Errors
    /// [`ArchiveFileError::Io`].
    pub fn add(&mut self, log: &str, event: &str) -> Result<(), ArchiveFileError> {
        self.numbers += 1;
        self.line(&format!("{{\"log\":{log},\"event\":{event}}}"))
    }

    /// Ends the file: from here on it is on the disk under its name.
    ///
    /// # Errors
    /// [`ArchiveFileError::Io`].
    pub fn finish(mut self) -> Result<(), ArchiveFileError> {
        let trailer = Trailer {
            numbers: self.numbers,
            sha256: hex(self.content.clone()),
        };
        self.line(&json(&trailer))?;
        let partial = partial(&self.path);
        let end = || {
            let file = self.gzip.finish()?.into_inner()?;
            file.sync_all()?;
            std::fs::rename(&partial, &self.path)?;
            match self.path.parent().filter(|parent| *parent != Path::new("")) {
                // The name is durable, too.
                Some(directory) => File::open(directory)?.sync_all(),
                None => Ok(()),
            }
        };
        end().map_err(io_error(&self.path))
    }

    fn line(&mut self, text: &str) -> Result<(), ArchiveFileError> {
        self.content.update(text);
        self.content.update("\n");
        let written = self.gzip.write_all(text.as_bytes());
        written
            .and_then(|()| self.gzip.write_all(b"\n"))
            .map_err(io_error(&self.path))
    }
}

fn json(value: &impl Serialize) -> String {
    // Structs of strings and numbers have a JSON form.
    serde_json::to_string(value).unwrap_or_default()
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> ArchiveFileError {
    let path = path.display().to_string();
    move |source| ArchiveFileError::Io { path, source }
}

/// Reads a file from the beginning to the end and checks everything that it says of itself: that the numbers
/// follow each other (a gap only where an epoch begins), that each has its event, count and digest.
///
/// # Errors
/// [`ArchiveFileError`].
pub fn verify(path: &Path) -> Result<Contents, ArchiveFileError> {
    let file = File::open(path).map_err(io_error(path))?;
    let mut lines = Lines {
        path,
        reader: BufReader::new(GzDecoder::new(BufReader::new(file))),
        number: 0,
        content: Sha256::new(),
    };
    let first = lines.next()?;
    let first = first.ok_or_else(|| lines.broken("the file is empty"))?;
    let header: Header = lines.read(&first)?;
    if header.format != FORMAT {
        return Err(lines.broken(&format!("the format is not {FORMAT}")));
    }
    let mut checked = Checked::new(&header);
    loop {
        let before = lines.content.clone();
        let line = lines.next()?;
        let line = line.ok_or_else(|| lines.broken("the last line is missing"))?;
        if line.starts_with("{\"numbers\"") {
            let trailer: Trailer = lines.read(&line)?;
            if trailer.numbers != checked.numbers {
                return Err(lines.broken("the count is another"));
            }
            if trailer.sha256 != hex(before) {
                return Err(lines.broken("the digest is another: the file was changed"));
            }
            break;
        }
        let row: Line = lines.read(&line)?;
        checked.take(&row).map_err(|what| lines.broken(what))?;
    }
    if lines.next()?.is_some() {
        return Err(lines.broken("there is more after the last line"));
    }
    Ok(Contents {
        numbers: checked.numbers,
        last_position: checked.last_position,
        last_appended_at: checked.last_appended_at,
        file_sha256: file_sha256(path)?,
        header,
    })
}

fn file_sha256(path: &Path) -> Result<String, ArchiveFileError> {
    let mut digest = Sha256::new();
    let mut reader = BufReader::new(File::open(path).map_err(io_error(path))?);
    loop {
        let read = reader.fill_buf().map_err(io_error(path))?;
        let count = read.len();
        if count == 0 {
            return Ok(hex(digest));
        }
        digest.update(read);
        reader.consume(count);
    }
}

struct Lines<'p> {
    path: &'p Path,
    reader: BufReader<GzDecoder<BufReader<File>>>,
    number: u64,
    content: Sha256,
}

impl Lines<'_> {
    fn next(&mut self) -> Result<Option<String>, ArchiveFileError> {
        let mut line = String::new();
        let read = (&mut self.reader)
            .take(LINE_BYTES_MAX)
            .read_line(&mut line)
            .map_err(io_error(self.path))?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.content.update(&line);
        if line.pop() != Some('\n') {
            return Err(self.broken("the line does not end"));
        }
        Ok(Some(line))
    }

    fn read<T: serde::de::DeserializeOwned>(&self, line: &str) -> Result<T, ArchiveFileError> {
        serde_json::from_str(line).map_err(|error| self.broken(&error.to_string()))
    }

    fn broken(&self, what: &str) -> ArchiveFileError {
        ArchiveFileError::Broken {
            path: self.path.display().to_string(),
            line: self.number,
            what: what.to_owned(),
        }
    }
}

/// What the lines said so far.
struct Checked {
    first: i64,
    last: i64,
    numbers: i64,
    number: Option<(i64, i32)>,
    last_position: i64,
    last_appended_at: Option<DateTime<Utc>>,
}

impl Checked {
    fn new(header: &Header) -> Self {
        Self {
            first: header.first,
            last: header.last,
            numbers: 0,
            number: None,
            last_position: 0,
            last_appended_at: None,
        }
    }

    fn take(&mut self, line: &Line) -> Result<(), &'static str> {
        let Line { log, event } = line;
        let number = log.global_sequence;
        if !(self.first..=self.last).contains(&number) {
            return Err("the number is outside of the range");
        }
        match self.number {
            Some((before, _)) if number <= before => return Err("the numbers are not in order"),
            Some((before, epoch)) if number != before + 1 && log.epoch == epoch => {
                return Err("a number is missing");
            }
            None if number != self.first && log.epoch == 1 => return Err("a number is missing"),
            _ => {}
        }
        let event = event.as_ref().ok_or("the number has no event")?;
        if event.event_id != log.event_id
            || event.aggregate_type != log.aggregate_type
            || event.aggregate_id != log.aggregate_id
            || event.sequence != log.sequence
        {
            return Err("the event is another number's");
        }
        self.numbers += 1;
        self.number = Some((number, log.epoch));
        self.last_position = self.last_position.max(log.position);
        self.last_appended_at = Some(log.appended_at);
        Ok(())
    }
}
