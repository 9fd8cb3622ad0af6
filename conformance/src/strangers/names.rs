//! A name server for namespaces of our own: every name that the hosts file does not have leads to
//! the strangers, but for the sites of tenants: a tenant that is made in a case has hosts of its own,
//! which are the mock's.

use std::net::Ipv4Addr;
use std::path::Path;

use entra_mock::environment::Site;
use entra_mock::isolation::mount_over;
use entra_mock::scratch::Scratch;
use tokio::net::UdpSocket;

/// Serves names at the address that [`RESOLVER`] names.
pub(super) async fn serve(address: Ipv4Addr) -> std::io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)).await?;
    let folder = Scratch::new("entra-conformance-")?;
    let file = folder.path().join("resolv.conf");
    std::fs::write(&file, RESOLVER)?;
    // Where there is no such file, nothing asks for one. What is mounted stays.
    if Path::new("/etc/resolv.conf").exists() {
        mount_over(&file, Path::new("/etc/resolv.conf")).map_err(std::io::Error::other)?;
    }
    tokio::spawn(async move {
        let mut question = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut question).await {
            if let Some(answer) = answer(&question[..length], address) {
                let _ = socket.send_to(&answer, from).await;
            }
        }
    });
    Ok(())
}

/// The answer to a question of one name: the address, and nothing to questions of other types.
///
/// Source: RFC 1035, sections 3.2 and 4.1.
fn answer(question: &[u8], address: Ipv4Addr) -> Option<Vec<u8>> {
    let is_question = question.len() > HEADER && question[2] & 0x80 == 0;
    if !is_question || question[4..6] != [0, 1] {
        return None;
    }
    let mut end = HEADER;
    while *question.get(end)? != 0 {
        end += usize::from(question[end]) + 1;
    }
    end += 1;
    let (kind, class) = (question.get(end..end + 2)?, question.get(end + 2..end + 4)?);
    let wanted = kind == [0, 1] && class == [0, 1];
    let mut answer = question[..end + 4].to_vec();
    // A response, recursion available, no error.
    (answer[2], answer[3]) = (0x80 | question[2] & 0x79, 0x80);
    answer[6..HEADER].copy_from_slice(&[0, u8::from(wanted), 0, 0, 0, 0]);
    if wanted {
        // The name of the question, an address, for no time at all.
        answer.extend([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
        let of_mock = Site::of_host(&name(&question[HEADER..end])).is_some();
        let address = if of_mock {
            Ipv4Addr::LOCALHOST
        } else {
            address
        };
        answer.extend(address.octets());
    }
    Some(answer)
}

/// A name of a question: its labels with dots between them.
fn name(mut labels: &[u8]) -> String {
    let mut parts = Vec::new();
    while let Some((length, rest)) = labels.split_first().filter(|it| *it.0 != 0) {
        let (label, more) = rest.split_at(usize::from(*length).min(rest.len()));
        parts.push(String::from_utf8_lossy(label).to_lowercase());
        labels = more;
    }
    parts.join(".")
}

const RESOLVER: &str = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n";

const HEADER: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    fn question(kind: u8) -> Vec<u8> {
        question_of(b"\x09collector\x07example\0", kind)
    }

    fn question_of(name: &[u8], kind: u8) -> Vec<u8> {
        let mut text = vec![0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        text.extend(name);
        text.extend([0, kind, 0, 1]);
        text
    }

    #[test]
    fn the_sites_of_tenants_are_the_mocks() {
        let stranger = Ipv4Addr::new(127, 0, 0, 2);
        for (name, octets) in [
            (
                &b"\x0acontoso-my\x0asharepoint\x03com\0"[..],
                [127, 0, 0, 1],
            ),
            (b"\x04made\x0aSharePoint\x02cn\0", [127, 0, 0, 1]),
            (b"\x0asharepoint\x07example\0", [127, 0, 0, 2]),
        ] {
            let said = answer(&question_of(name, 1), stranger).unwrap();
            assert!(said.ends_with(&octets), "{said:?}");
        }
    }

    #[test]
    fn every_name_leads_to_the_strangers() {
        let asked = question(1);
        let said = answer(&asked, Ipv4Addr::new(127, 0, 0, 2)).unwrap();
        assert_eq!(said[..2], [0xab, 0xcd]);
        assert_eq!(said[2..8], [0x81, 0x80, 0, 1, 0, 1]);
        assert!(said.ends_with(&[0, 4, 127, 0, 0, 2]));
        // No IPv6 address, and no error.
        let said = answer(&question(28), Ipv4Addr::LOCALHOST).unwrap();
        assert_eq!(said[2..8], [0x81, 0x80, 0, 1, 0, 0]);
        for bad in [&asked[..5], &asked[..20], &[0; 12], &[255; 64]] {
            assert_eq!(answer(bad, Ipv4Addr::LOCALHOST), None);
        }
    }
}
