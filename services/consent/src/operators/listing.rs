//! Lists that can be had page by page, or all in lines.

use actix_web::HttpResponse;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    answer::answer,
    lines::{self, Lines, Read},
    paging::Page,
    query::Parameters,
};
use crate::problem::Problem;

/// How a list is written where all of it is asked for.
pub(super) struct Export {
    /// The file's name, without its extension.
    pub(super) name: String,
    pub(super) columns: &'static [&'static str],
    /// Rows of one read.
    pub(super) rows_at_once: i64,
}

/// How a list was asked for.
pub(super) struct Listing<K> {
    lines: Option<Lines>,
    page: Page<K>,
}

impl<K: Clone + Serialize + DeserializeOwned + 'static> Listing<K> {
    /// Takes `format`, `cursor` and `limit` out of a query.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub(super) fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            lines: Lines::take(parameters)?,
            page: Page::take(parameters)?,
        })
    }

    /// The act's code: that of the page or that of the export.
    pub(super) fn act(&self, page: &'static str, export: &'static str) -> &'static str {
        match self.lines {
            None => page,
            Some(_) => export,
        }
    }

    /// Answers with what `read` gives of so many rows after a key: in lines, or as a `page` of the rows and the
    /// next one's cursor.
    ///
    /// # Errors
    /// Those of `read`.
    pub(super) async fn answer<T, F, P>(
        self,
        export: Export,
        read: impl Fn(Option<K>, i64) -> F + 'static,
        key: fn(&T) -> K,
        page: impl FnOnce(Vec<T>, Option<String>) -> P,
    ) -> Result<HttpResponse, Problem>
    where
        T: Serialize + 'static,
        F: Future<Output = Result<Vec<T>, Problem>> + 'static,
        P: Serialize,
    {
        let Some(lines) = self.lines else {
            let mut rows = read(self.page.after.clone(), self.page.rows()).await?;
            let next = self.page.cut(&mut rows, key);
            return Ok(answer(&page(rows, next)));
        };
        let rows_at_once = export.rows_at_once;
        let read = move |after| {
            let reading = read(after, rows_at_once);
            async move {
                let rows = reading.await?;
                let next = rows.last().map(|last| Some(key(last)));
                Ok(Read { rows, next })
            }
        };
        let first = self.page.after;
        Ok(lines::send(
            lines,
            &export.name,
            export.columns,
            first,
            read,
        ))
    }
}
