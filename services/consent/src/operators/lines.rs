//! Lists as a whole, in lines: CSV for spreadsheets, NDJSON for programs. Rows are read in pages and sent as
//! they come, so that a list of any length takes little memory.

use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_DISPOSITION},
};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use serde_json::Value;

use super::query::Parameters;
use crate::problem::Problem;

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    /// RFC 4180, with a header line and a byte order mark: spreadsheets then read it as UTF-8.
    Csv,
    /// One JSON object a line.
    NdJson,
}

impl Lines {
    /// `format`, if it was sent.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub(crate) fn take(parameters: &mut Parameters) -> Result<Option<Self>, Problem> {
        match parameters.take("format").as_deref() {
            None | Some("json") => Ok(None),
            Some("csv") => Ok(Some(Self::Csv)),
            Some("ndjson") => Ok(Some(Self::NdJson)),
            Some(_) => Err(Problem::invalid_parameter("format is json, csv or ndjson.")),
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::NdJson => "application/x-ndjson",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::NdJson => "ndjson",
        }
    }

    fn line(self, columns: &[&str], row: &Value) -> String {
        match self {
            Self::NdJson => format!("{row}\n"),
            Self::Csv => {
                let fields: Vec<String> = columns
                    .iter()
                    .map(|column| field(row.get(column).unwrap_or(&Value::Null)))
                    .collect();
                format!("{}\r\n", fields.join(","))
            }
        }
    }
}

/// A field: quoted where it must be; what a spreadsheet would take for a formula begins with an apostrophe.
fn field(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && value.is_string() {
        format!("'{text}")
    } else {
        text
    };
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// Where a list goes on, and what was read of it.
pub(crate) struct Read<P, T> {
    /// The rows.
    pub rows: Vec<T>,
    /// The next page; none: that was the last.
    pub next: Option<P>,
}

/// Sends the list that `read` gives page by page, from `first`. A failure in the middle breaks the connection
/// off, so that half a list is never taken for a whole one.
pub(crate) fn send<P, T, F>(
    lines: Lines,
    name: &str,
    columns: &'static [&'static str],
    first: P,
    read: impl Fn(P) -> F + 'static,
) -> HttpResponse
where
    P: 'static,
    T: Serialize + 'static,
    F: Future<Output = Result<Read<P, T>, Problem>> + 'static,
{
    let head = match lines {
        Lines::Csv => format!("\u{feff}{}\r\n", columns.join(",")),
        Lines::NdJson => String::new(),
    };
    let body = stream::once(async move { Ok(head) })
        .chain(pages(first, read).map_ok(move |rows| {
            rows.iter()
                .filter_map(|row| serde_json::to_value(row).ok())
                .map(|row| lines.line(columns, &row))
                .collect::<String>()
        }))
        .map_ok(actix_web::web::Bytes::from);
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}.{}\"", lines.extension()),
        ))
        .content_type(lines.media_type())
        .streaming(body)
}

fn pages<P, T, F>(
    first: P,
    read: impl Fn(P) -> F + 'static,
) -> impl Stream<Item = Result<Vec<T>, Problem>>
where
    F: Future<Output = Result<Read<P, T>, Problem>>,
{
    stream::try_unfold(Some(first), move |page| {
        let reading = page.map(&read);
        async move {
            match reading {
                None => Ok(None),
                Some(reading) => {
                    let page = reading.await?;
                    Ok(Some((page.rows, page.next)))
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_is_quoted_where_it_must_be_and_never_a_formula() {
        assert_eq!(field(&json!("a,b")), "\"a,b\"");
        assert_eq!(field(&json!("say \"x\"")), "\"say \"\"x\"\"\"");
        assert_eq!(field(&json!("=1+1")), "'=1+1");
        assert_eq!(field(&json!(-5)), "-5");
        assert_eq!(field(&Value::Null), "");
    }
}
