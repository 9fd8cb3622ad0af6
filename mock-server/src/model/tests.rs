use super::*;

const CLOUD: SignInCloud = SignInCloud::Global;

fn of(name: &str) -> Type {
    Type::find(name).unwrap_or_else(|| panic!("the model has {name}"))
}

#[test]
fn names_are_found_in_any_case_and_with_their_namespace() {
    assert_eq!(of("#microsoft.graph.MailFolder").name(), "mailFolder");
    assert!(of("user").is_a(of("directoryObject")));
    assert!(!of("directoryObject").is_a(of("user")));
    assert!(Type::find("nonsense").is_none());
}

#[test]
fn inherited_members_are_members() {
    let message = of("message");
    let subject = message.member("SUBJECT", CLOUD).unwrap();
    assert_eq!((subject.name(), subject.type_name()), ("subject", "String"));
    assert_eq!(message.member("id", CLOUD).unwrap().name(), "id");
    let attachments = message.member("attachments", CLOUD).unwrap();
    assert_eq!(attachments.kind(), MemberKind::Contained);
    assert!(attachments.is_collection() && attachments.of() == Some(of("attachment")));
}

#[test]
fn a_member_that_a_cloud_lacks_is_not_found_there() {
    let mut differing = 0;
    for record in Section::Types.all().map(Type) {
        for member in record.members(CLOUD) {
            differing += usize::from(record.member(member.name(), SignInCloud::China).is_none());
        }
    }
    assert!(differing > 1000, "{differing}");
}

#[test]
fn operations_are_found_by_what_they_are_bound_to() {
    let user = of("user");
    assert_eq!(user.operations("sendMail", false, CLOUD).len(), 1);
    assert!(user.operations("sendMail", true, CLOUD).is_empty());
    assert!(!user.operations("delta", true, CLOUD).is_empty());
}

#[test]
fn roots_are_found_in_the_clouds_that_have_them() {
    assert!(Root::find("GROUPS", CLOUD).unwrap().is_set());
    assert!(Root::find("identityProtection", SignInCloud::China).is_none());
}

#[test]
fn documented_paths_have_their_permissions() {
    let accepted = accepted("/me/messages", "GET").unwrap();
    assert!(accepted.delegated.contains("Mail.Read"), "{accepted:?}");
    assert!(super::accepted("/me/nonsense", "GET").is_none());
    assert!(paths().count() > 10_000);
}

#[test]
fn applications_have_alternate_keys() {
    assert_eq!(of("application").alternate_key("AppId"), Some("appId"));
    assert_eq!(of("message").alternate_key("subject"), None);
}

#[test]
fn every_text_of_the_tables_is_read_whole() {
    for section in [
        Section::Types,
        Section::Members,
        Section::Operations,
        Section::Roots,
    ] {
        assert!(section.all().count() > 50);
        assert!(section.all().all(|record| !record.text(0).is_empty()));
    }
    for name in Section::Types.all().map(|record| Type(record).name()) {
        assert_eq!(of(name).name(), name);
    }
}
