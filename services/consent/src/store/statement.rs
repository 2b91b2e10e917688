use sqlx::Arguments as _;
use sqlx::{Encode, Postgres, Type, error::BoxDynError, postgres::PgArguments};

/// One SQL statement built of common table expressions, each with its bound values: everything in it
/// happens at once or not at all, in one round trip.
#[derive(Default)]
pub struct Statement {
    ctes: Vec<String>,
    arguments: PgArguments,
    bound: usize,
    failure: Option<BoxDynError>,
}

impl Statement {
    /// Binds a value and gives its placeholder, e.g. `$3`.
    pub fn bind<T>(&mut self, value: T) -> String
    where
        T: for<'q> Encode<'q, Postgres> + Type<Postgres> + Send + 'static,
    {
        if let Err(failure) = self.arguments.add(value) {
            self.failure.get_or_insert(failure);
        }
        self.bound += 1;
        format!("${}", self.bound)
    }

    /// Adds a common table expression. The name must be unique within the statement.
    pub fn with(&mut self, name: &str, body: &str) {
        self.ctes.push(format!("{name} AS ({body})"));
    }

    /// The text and its values, ended by `select`.
    ///
    /// # Errors
    /// [`sqlx::Error::Encode`] where a value could not be encoded.
    pub fn finish(self, select: &str) -> Result<(String, PgArguments), sqlx::Error> {
        if let Some(failure) = self.failure {
            return Err(sqlx::Error::Encode(failure));
        }
        Ok((
            format!("WITH {} {select}", self.ctes.join(", ")),
            self.arguments,
        ))
    }
}
