//! Namespaces of Linux.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with,
};

use super::IsolationError;
use crate::environment::Site;
use crate::platform::SYSTEM_BUNDLES;

/// Settings of the kernel that forbid namespaces: the file, its value that does, and the remedy.
/// Sources: user_namespaces(7); debian/linux, sysctl `kernel.unprivileged_userns_clone`; Ubuntu
/// 23.10 release notes, "restricted unprivileged user namespaces".
const SETTINGS: [(&str, &str, &str); 4] = [
    (
        "user/max_user_namespaces",
        "0",
        "user.max_user_namespaces is 0: permit them with `sudo sysctl user.max_user_namespaces=10000`",
    ),
    (
        "user/max_net_namespaces",
        "0",
        "user.max_net_namespaces is 0: permit them with `sudo sysctl user.max_net_namespaces=10000`",
    ),
    (
        "kernel/unprivileged_userns_clone",
        "0",
        "kernel.unprivileged_userns_clone is 0 (Debian): permit them with \
         `sudo sysctl kernel.unprivileged_userns_clone=1`, or run as root",
    ),
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "kernel.apparmor_restrict_unprivileged_userns is 1 (Ubuntu, its CI runners too): permit them \
         with `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`, or run as root",
    ),
];

/// What forbids namespaces, as far as settings tell.
fn remedies(setting: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut found: Vec<String> = SETTINGS
        .iter()
        .filter(|(name, forbids, _)| setting(name).is_some_and(|it| it.trim() == *forbids))
        .map(|(_, _, remedy)| (*remedy).to_owned())
        .collect();
    if found.is_empty() {
        let container = "no setting of the kernel forbids them, so that a container probably does: \
            start it with `--security-opt seccomp=unconfined --cap-add SYS_ADMIN` (Docker, Podman), \
            or run outside of it";
        found.push(container.to_owned());
    }
    found
}

/// The namespaces of an isolated run, as options of `unshare`.
const NAMESPACES: [&str; 5] = ["--user", "--map-root-user", "--net", "--mount", "--"];

/// Enters namespaces of our own. The first call replaces the process by a copy of itself inside of
/// them, with the same arguments; in the copy the call returns.
///
/// Call it first of all in `main`: before threads, runtimes and output.
#[expect(
    clippy::disallowed_methods,
    reason = "the mark that tells the copy from the original"
)]
pub fn enter() -> Result<(), IsolationError> {
    if std::env::var_os(INSIDE).is_some() {
        return loopback_up().map_err(IsolationError::Loopback);
    }
    // Tried first: afterwards it is `unshare` that speaks, which knows no remedy.
    let tried = Command::new("unshare")
        .args(NAMESPACES)
        .arg("true")
        .stdin(Stdio::null())
        .output()
        .map_err(IsolationError::NoUnshare)?;
    if !tried.status.success() {
        let said = String::from_utf8_lossy(&tried.stderr).trim().to_owned();
        let setting = |name: &str| fs::read_to_string(Path::new("/proc/sys").join(name)).ok();
        return Err(IsolationError::Forbidden {
            said,
            remedies: remedies(setting),
        });
    }
    let itself = itself().map_err(IsolationError::NoUnshare)?;
    let error = Command::new("unshare")
        .args(NAMESPACES)
        .arg(itself)
        .args(std::env::args_os().skip(1))
        .env(INSIDE, "1")
        .exec();
    Err(IsolationError::NoUnshare(error))
}

/// The program, by the name by which it was called: one program may have several.
#[expect(
    clippy::disallowed_methods,
    reason = "a name without a path is one of the search path"
)]
fn itself() -> io::Result<PathBuf> {
    let itself = std::env::current_exe()?;
    let called = PathBuf::from(std::env::args_os().next().unwrap_or_default());
    let is_itself = |it: &PathBuf| it.canonicalize().is_ok_and(|it| it == itself);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = if called.components().nth(1).is_some() {
        Some(called).filter(is_itself)
    } else {
        std::env::split_paths(&path)
            .map(|folder| folder.join(&called))
            .find(is_itself)
    };
    Ok(found.unwrap_or(itself))
}

/// Puts the hosts file and the CA bundle in place; seen by this process and its children only.
///
/// `sites`: the hosts of tenants' sites beside those that are the same for all.
pub fn mount_files(folder: &Path, bundle: &Path, sites: &[String]) -> Result<(), IsolationError> {
    let hosts = folder.join("hosts");
    let write = |error| IsolationError::Write {
        path: hosts.clone(),
        error,
    };
    let mut text = "127.0.0.1 localhost\n::1 localhost ip6-localhost\n".to_owned();
    let fixed = Site::all_hosts().map(str::to_owned);
    for host in fixed.chain(sites.iter().cloned()) {
        text.push_str("127.0.0.1 ");
        text.push_str(&host);
        text.push('\n');
    }
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&hosts, text))
        .map_err(write)?;
    mount_over(&hosts, Path::new("/etc/hosts"))?;
    for path in SYSTEM_BUNDLES
        .iter()
        .map(Path::new)
        .filter(|path| path.is_file())
    {
        mount_over(bundle, path)?;
    }
    Ok(())
}

/// Puts a file over another one; seen by this process and its children only.
pub fn mount_over(source: &Path, target: &Path) -> Result<(), IsolationError> {
    rustix::mount::mount_bind(source, target).map_err(|error| IsolationError::Mount {
        path: target.to_owned(),
        error: error.into(),
    })
}

/// Brings the loopback interface up: in a new network namespace it is down.
fn loopback_up() -> io::Result<()> {
    // No protocol is protocol 0, which is NETLINK_ROUTE.
    let flags = SocketFlags::CLOEXEC;
    let socket: OwnedFd = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    sendto(
        &socket,
        &set_link_up(),
        SendFlags::empty(),
        &SocketAddrNetlink::new(0, 0),
    )?;
    let mut answer = [0_u8; 256];
    let (_, length) = recv(&socket, &mut answer[..], RecvFlags::empty())?;
    // An acknowledgement is an error message with the number 0.
    let number = answer.get(16..20).filter(|_| length >= 20);
    match number
        .and_then(|bytes| bytes.try_into().ok())
        .map(i32::from_ne_bytes)
    {
        Some(0) => Ok(()),
        Some(number) => Err(io::Error::from_raw_os_error(-number)),
        None => Err(io::Error::other("the kernel's answer is too short")),
    }
}

/// An RTM_NEWLINK message (rtnetlink(7)) that sets IFF_UP on interface 1, which is `lo`.
fn set_link_up() -> [u8; 32] {
    const RTM_NEWLINK: u16 = 16;
    const REQUEST_AND_ACKNOWLEDGE: u16 = 0x1 | 0x4;
    const INTERFACE_UP: u32 = 1;
    let mut message = [0; 32];
    message[0..4].copy_from_slice(&32_u32.to_ne_bytes());
    message[4..6].copy_from_slice(&RTM_NEWLINK.to_ne_bytes());
    message[6..8].copy_from_slice(&REQUEST_AND_ACKNOWLEDGE.to_ne_bytes());
    message[8..12].copy_from_slice(&1_u32.to_ne_bytes());
    // struct ifinfomsg: family, padding, type, index, flags, mask of flags.
    message[20..24].copy_from_slice(&1_i32.to_ne_bytes());
    message[24..28].copy_from_slice(&INTERFACE_UP.to_ne_bytes());
    message[28..32].copy_from_slice(&INTERFACE_UP.to_ne_bytes());
    message
}

const INSIDE: &str = "ENTRA_MOCK_INSIDE";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_forbids_namespaces_is_named_with_its_remedy() {
        let ubuntu = |name: &str| {
            let restricted = name == "kernel/apparmor_restrict_unprivileged_userns";
            Some(if restricted { "1\n" } else { "1000\n" }.to_owned())
        };
        let found = remedies(ubuntu);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("apparmor_restrict_unprivileged_userns=0"));

        let none = remedies(|name| name.starts_with("user/").then(|| "0\n".to_owned()));
        assert_eq!(none.len(), 2, "{none:?}");

        let container = remedies(|_| None);
        assert!(container[0].contains("seccomp"), "{container:?}");
    }
}
