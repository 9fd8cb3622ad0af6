//! Sweeps over all endpoints of the login hosts: what the service refuses is refused everywhere.

mod codes;
mod not_there;
mod objects;
mod parameters;
