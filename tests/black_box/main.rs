//! Black-box tests: the programs as users run them, with real clients.

mod bad_drivers;
mod browser;
mod certificates;
mod ci;
mod command_line;
mod connections;
mod control_api;
mod dashboard;
mod demo;
mod dependencies;
mod guides;
mod killed;
mod login_hosts;
mod packages;
mod real_clients;
mod scenarios;
mod soak;
mod state;
mod suite;
mod trust;
