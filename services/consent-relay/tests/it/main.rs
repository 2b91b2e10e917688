//! The relay against a real PostgreSQL, in a cluster of its own: the order of commits is the cluster's.

mod bench;
mod epochs;
mod leases;
mod parking;
mod publishing;
mod relaying;
mod sequencing;
mod topics;
