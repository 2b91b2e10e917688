//! Pages of lists: which one was asked for, and where the next one begins.

use actix_web::HttpRequest;
use serde::{Serialize, de::DeserializeOwned};
use utoipa::IntoParams;

use super::{
    cursor::{self, Cursor},
    query::{Parameters, page_limit},
};
use crate::problem::Problem;

/// Which page.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes the query; it is parsed by name")]
pub(crate) struct Paging {
    /// At most so many.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of a list that stands in the order of a key.
pub(super) struct Page<K> {
    /// The key of the page before's last row; none: it is the first page.
    pub(super) after: Option<K>,
    limit: usize,
}

impl<K: Serialize + DeserializeOwned> Page<K> {
    /// Takes `cursor` and `limit` out of a query.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub(super) fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let after: Option<Cursor<K>> = cursor::take(parameters)?;
        Ok(Self {
            after: after.map(|cursor| cursor.0),
            limit: page_limit(parameters)?,
        })
    }

    /// Of a request that asks for nothing but a page.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub(super) fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let mut parameters = Parameters::parse(request.query_string())?;
        let page = Self::take(&mut parameters)?;
        parameters.finish()?;
        Ok(page)
    }

    /// How many rows to read.
    pub(super) fn rows(&self) -> i64 {
        cursor::one_more(self.limit)
    }

    /// Cuts what was read to the page, and gives the next page's cursor where there is one.
    pub(super) fn cut<T>(&self, rows: &mut Vec<T>, key: impl Fn(&T) -> K) -> Option<String> {
        cursor::next(rows, self.limit, key)
    }
}
