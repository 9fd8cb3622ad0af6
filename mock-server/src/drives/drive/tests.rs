use proptest::prelude::*;

use super::*;

fn drive() -> Drive {
    let place = Place {
        host: "contoso.sharepoint.com".into(),
        site: String::new(),
        library: "Shared Documents".into(),
        collection: Uuid::from_u128(1),
        web: Uuid::from_u128(2),
        list: Uuid::from_u128(3),
    };
    Drive::new(
        Owner::Site("x".into()),
        place,
        "Documents",
        Timestamp::UNIX_EPOCH,
    )
}

fn item(id: u128, name: &str, content: Option<&[u8]>) -> Item {
    let mut item = Item::new(
        Uuid::from_u128(id),
        name,
        Identity::default(),
        Timestamp::UNIX_EPOCH,
    );
    if let Some(bytes) = content {
        item.content = Some(Blob::of(&Arc::default(), bytes).unwrap());
        item.size = bytes.len() as u64;
        item.content_version = 1;
    }
    item
}

fn since(drive: &Drive, after: u64) -> (Vec<&str>, usize) {
    let (mut names, mut gone) = (Vec::new(), 0);
    for (_, entry) in drive.changes(after).unwrap() {
        match entry {
            Entry::Item(item) => names.push(item.name.as_str()),
            Entry::Gone(_) => gone += 1,
        }
    }
    (names, gone)
}

#[test]
fn folders_count_what_is_in_them_and_changes_are_told_once() {
    let mut drive = drive();
    let (folder, _) = drive
        .add(id::ROOT, item(10, "A", None), Conflict::Fail)
        .unwrap();
    let (file, _) = drive
        .add(folder, item(11, "b.txt", Some(b"12345")), Conflict::Fail)
        .unwrap();
    assert_eq!(drive.used(), 5);
    assert_eq!(drive.child(folder, "B.TXT").unwrap().id, file);
    assert_eq!(since(&drive, 0).0, ["root", "A", "b.txt"]);
    let then = drive.sequence();
    drive
        .relocate(file, Some(id::ROOT), Some("c.txt"), Conflict::Fail)
        .unwrap();
    assert_eq!(drive.get(folder).unwrap().size, 0);
    assert_eq!(since(&drive, then), (vec!["c.txt"], 0));
    let then = drive.sequence();
    drive.delete(file).unwrap();
    assert_eq!(since(&drive, then), (vec![], 1));
    assert_eq!((drive.used(), drive.deleted()), (0, 5));
    drive.restore(file, None, None).unwrap();
    assert_eq!(since(&drive, then), (vec!["c.txt"], 0));
    assert_eq!(drive.used(), 5);
}

#[test]
fn names_that_are_taken_are_refused_changed_or_written_over() {
    let mut drive = drive();
    let add = |drive: &mut Drive, id, conflict| {
        drive.add(id::ROOT, item(id, "a.txt", Some(b"x")), conflict)
    };
    let (first, _) = add(&mut drive, 1, Conflict::Fail).unwrap();
    assert_eq!(add(&mut drive, 2, Conflict::Fail), Err(Refused::NameTaken));
    let (other, new) = add(&mut drive, 3, Conflict::Rename).unwrap();
    assert!(new);
    assert_eq!(drive.get(other).unwrap().name, "a 1.txt");
    assert_eq!(
        add(&mut drive, 4, Conflict::Replace).unwrap(),
        (first, false)
    );
    assert_eq!(drive.get(first).unwrap().versions.len(), 1);
    let folder = item(5, "a.txt", None);
    let refused = drive.add(id::ROOT, folder, Conflict::Replace);
    assert_eq!(refused, Err(Refused::NameTaken));
}

#[test]
fn a_folder_does_not_come_into_itself_and_the_root_stays() {
    let mut drive = drive();
    let (outer, _) = drive
        .add(id::ROOT, item(1, "outer", None), Conflict::Fail)
        .unwrap();
    let (inner, _) = drive
        .add(outer, item(2, "inner", None), Conflict::Fail)
        .unwrap();
    let refused = drive.relocate(outer, Some(inner), None, Conflict::Fail);
    assert_eq!(refused, Err(Refused::IntoItself));
    assert_eq!(drive.delete(id::ROOT), Err(Refused::Root));
    drive.delete(outer).unwrap();
    assert!(drive.get(inner).is_none());
    drive.restore(outer, None, None).unwrap();
    assert_eq!(drive.path(inner), ["outer", "inner"]);
}

#[test]
fn a_full_drive_takes_nothing_more() {
    let mut drive = drive();
    drive.quota = 3;
    let add = |drive: &mut Drive, id, bytes| {
        let item = item(id, &id.to_string(), Some(bytes));
        drive.add(id::ROOT, item, Conflict::Fail)
    };
    add(&mut drive, 1, b"123").unwrap();
    assert_eq!(add(&mut drive, 2, b"4"), Err(Refused::Quota));
}

proptest! {
    /// Whatever happens, the root is as large as all files, and a drive that was saved and
    /// read is the same.
    #[test]
    fn sizes_and_indexes_hold(
        steps in proptest::collection::vec((0_u8..6, 0_u128..12, 0_u128..12, 0_usize..9), 0..60)
    ) {
        let mut drive = drive();
        for (number, (what, one, two, length)) in steps.into_iter().enumerate() {
            let pick = |drive: &Drive, at: u128| {
                let all = drive.tree(id::ROOT);
                all[usize::try_from(at).unwrap() % all.len()]
            };
            let (one, two) = (pick(&drive, one), pick(&drive, two));
            let new = 100 + number as u128;
            let _ = match what {
                0 => drive.add(one, item(new, "same", None), Conflict::Rename).map(drop),
                1 | 2 => {
                    let bytes = vec![1; length];
                    let name = format!("f{}", new % 5);
                    drive.add(one, item(new, &name, Some(&bytes)), Conflict::Replace).map(drop)
                }
                3 => drive.relocate(one, Some(two), None, Conflict::Rename),
                4 => drive.delete(one),
                _ => {
                    let top = drive.bin.last().and_then(|it| it.first()).map(|it| it.id);
                    top.map_or(Ok(()), |it| drive.restore(it, None, None))
                }
            };
        }
        let files = drive.items.values().filter(|it| it.is_file());
        prop_assert_eq!(drive.used(), files.map(|it| it.size).sum::<u64>());
        prop_assert_eq!(drive.tree(id::ROOT).len(), drive.items.len());
        prop_assert_eq!(drive.changes.len(), drive.items.len());
        let text = serde_json::to_string(&drive).unwrap();
        let mut read: Drive = serde_json::from_str(&text).unwrap();
        read.revive(&Arc::default());
        prop_assert_eq!(read.children.values().map(BTreeMap::len).sum::<usize>(),
            drive.items.len() - 1);
        prop_assert_eq!(read.changes, drive.changes);
    }
}
