//! The reference of everything that reads: the consents' rows by primary key, one column.

use super::decisions::GRANTS;
use crate::{ground::Ground, pgbench::Pgbench};

/// pgbench reads the very rows that decisions rest on.
pub fn primary_key_read(ground: &Ground, clients: u32) -> Pgbench {
    let script = format!(
        "\\set number random(0, {})\n\
         SELECT status FROM consent_current WHERE stream_id = '2963:' || 'g-' || :number::int;\n",
        GRANTS - 1
    );
    Pgbench::new(
        ground.pgbench.clone(),
        ground.admin_url.clone(),
        script,
        clients,
    )
}
