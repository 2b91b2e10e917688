//! Rows in PostgreSQL's binary COPY format.
//! <https://www.postgresql.org/docs/15/sql-copy.html>, "Binary Format".

use consent_domain::Instant;
use uuid::Uuid;

/// Seconds from 1970 to 2000, where PostgreSQL's times begin.
const EPOCH_SECONDS: i64 = 946_684_800;

/// Rows, encoded one after the other.
pub struct CopyBuffer(Vec<u8>);

impl Default for CopyBuffer {
    /// Without a row.
    fn default() -> Self {
        let mut bytes = b"PGCOPY\n\xff\r\n\0".to_vec();
        // No flags, no extension.
        bytes.extend([0; 8]);
        Self(bytes)
    }
}

impl CopyBuffer {
    /// Begins a row of so many columns, which follow in their order.
    pub fn row(&mut self, columns: i16) {
        self.0.extend(columns.to_be_bytes());
    }

    /// NULL.
    pub fn null(&mut self) {
        self.0.extend((-1_i32).to_be_bytes());
    }

    /// `text` or `json`.
    pub fn text(&mut self, value: &str) {
        self.field(value.as_bytes());
    }

    /// `text`, or NULL.
    pub fn optional_text(&mut self, value: Option<&str>) {
        match value {
            Some(value) => self.text(value),
            None => self.null(),
        }
    }

    /// `jsonb`: the version of its format, then the JSON.
    pub fn jsonb(&mut self, value: &str) {
        self.length(value.len() + 1);
        self.0.push(1);
        self.0.extend(value.as_bytes());
    }

    /// `bigint`.
    pub fn bigint(&mut self, value: i64) {
        self.field(&value.to_be_bytes());
    }

    /// `xid8`.
    pub fn transaction_id(&mut self, value: u64) {
        self.field(&value.to_be_bytes());
    }

    /// `int`.
    pub fn int(&mut self, value: i32) {
        self.field(&value.to_be_bytes());
    }

    /// `uuid`.
    pub fn uuid(&mut self, value: Uuid) {
        self.field(value.as_bytes());
    }

    /// `timestamptz`, to the microsecond.
    pub fn instant(&mut self, value: Instant) {
        self.bigint(value.timestamp_micros() - EPOCH_SECONDS * 1_000_000);
    }

    /// What is encoded so far, taken out: the rows go on with what follows.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }

    /// How many bytes are encoded and not taken out.
    pub fn pending(&self) -> usize {
        self.0.len()
    }

    /// All rows that are not taken out, ended.
    pub fn finish(mut self) -> Vec<u8> {
        self.row(-1);
        self.0
    }

    fn field(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend(bytes);
    }

    fn length(&mut self, length: usize) {
        // A longer one than PostgreSQL's greatest value does not exist here.
        let length = i32::try_from(length).unwrap_or(i32::MAX);
        self.0.extend(length.to_be_bytes());
    }
}
