//! Black-box tests: the programs as users run them, with real clients.

mod browser;
mod command_line;
mod real_clients;
mod suite;
mod walk_through;
