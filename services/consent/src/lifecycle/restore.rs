use consent_domain::{BankCode, suspension::SuspensionCause};
use sqlx::PgPool;

use super::{
    ActError, Done, Level, LevelRefusal, Order,
    suspend::{Place, Turn},
};
use crate::store::Bus;

impl Level {
    /// Lifts one cause; what it stopped is as it was, once no other cause stands at any level.
    ///
    /// # Errors
    /// [`ActError`].
    pub async fn restore(
        &self,
        (pool, bus): (&PgPool, &Bus),
        bank: &BankCode,
        cause: SuspensionCause,
        order: Order,
    ) -> Result<Done<()>, ActError<LevelRefusal>> {
        let place = Place { pool, bus, bank };
        place.turn(self, Turn::Restore, cause, order).await
    }
}
