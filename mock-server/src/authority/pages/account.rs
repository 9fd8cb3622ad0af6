//! Pages about the person: name, password, account picker, second factor, password change,
//! terms of use.

use maud::{Markup, html};

use super::{Page, actions, alert, form, portrait};

/// An account that a page offers.
#[derive(Clone, Debug)]
pub(crate) struct AccountTile {
    /// The value that the form sends.
    pub(crate) value: String,
    /// The person's name.
    pub(crate) name: String,
    /// The sign-in name.
    pub(crate) upn: String,
    /// What else to say: `guest`, `Signed in`.
    pub(crate) remark: Option<&'static str>,
}

/// Where a form goes and what it carries.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The form's action.
    pub(crate) action: String,
    /// The sealed flow.
    pub(crate) flow: String,
    /// The organization's name.
    pub(crate) tenant: Option<String>,
}

/// Asks for the sign-in name.
pub(crate) fn sign_in(
    frame: &Frame,
    app: Option<&str>,
    hint: &str,
    error: Option<(u32, &str)>,
    picks: &[AccountTile],
) -> Page {
    let fields = html! {
        (alert("usernameError", error))
        label for="i0116" { "User name" }
        input #i0116 type="email" name="loginfmt" value=(hint) autocomplete="username" autofocus
            required spellcheck="false" autocapitalize="none" placeholder="someone@example.com"
            aria-invalid=[error.map(|_| "true")] aria-describedby=[error.map(|_| "usernameError")];
        (actions(("next", "Next"), Some(("cancel", "Cancel"))))
    };
    let body = html! {
        p.lead { (to_continue(app)) }
        (form(&frame.action, &frame.flow, "sign-in", &fields))
    };
    Page::new("sign-in", "Sign in", body)
        .tenant(frame.tenant.clone())
        .error_code(error.map(|it| it.0))
        .side(quick_picks(frame, picks))
}

/// Asks for the password.
pub(crate) fn password(
    frame: &Frame,
    app: Option<&str>,
    upn: &str,
    error: Option<(u32, &str)>,
    note: Option<&str>,
    picks: &[AccountTile],
) -> Page {
    let fields = html! {
        (alert("passwordError", error))
        // Password managers want the name beside the password.
        input type="text" name="loginfmt" value=(upn) autocomplete="username" hidden readonly
            aria-label="User name";
        label for="i0118" { "Password" }
        input #i0118 type="password" name="passwd" autocomplete="current-password" autofocus
            aria-invalid=[error.map(|_| "true")] aria-describedby=[error.map(|_| "passwordError")];
        (actions(("sign-in", "Sign in"), Some(("back", "Back"))))
        div.split {
            button.quiet #idSecurityKey type="submit" name="action" value="security-key" formnovalidate {
                "Sign in with a security key"
            }
            button.quiet #idCancel type="submit" name="action" value="cancel" formnovalidate {
                "Cancel"
            }
        }
    };
    let body = html! {
        p.lead { (to_continue(app)) }
        p.who #displayName { (upn) }
        @if let Some(note) = note { p.alert.note { (note) } }
        (form(&frame.action, &frame.flow, "password", &fields))
    };
    Page::new("password", "Enter password", body)
        .tenant(frame.tenant.clone())
        .error_code(error.map(|it| it.0))
        .side(quick_picks(frame, picks))
}

/// Offers the signed-in accounts.
pub(crate) fn pick_account(frame: &Frame, app: Option<&str>, accounts: &[AccountTile]) -> Page {
    let choose = html! {
        ul.list {
            @for account in accounts { li { (tile("account", account)) } }
            li {
                button.row #otherTile type="submit" name="action" value="other-account" {
                    span.monogram.round aria-hidden="true" { "+" }
                    span { "Use another account" }
                }
            }
        }
        div.actions {
            button.secondary #idBtn_Back type="submit" name="action" value="cancel" { "Cancel" }
        }
    };
    let body = html! {
        p.lead { (to_continue(app)) }
        (form(&frame.action, &frame.flow, "pick-account", &choose))
    };
    Page::new("pick-account", "Pick an account", body).tenant(frame.tenant.clone())
}

/// Asks for the second factor: the mock's telephone is this page.
pub(crate) fn mfa(frame: &Frame, upn: &str, number: u8) -> Page {
    let fields = html! {
        (actions(("approve", "Approve"), Some(("deny", "Deny"))))
    };
    let body = html! {
        p.who #displayName { (upn) }
        p {
            "Your organization requires a second factor. A request with this number went to your \
             telephone. This mock has none, so answer here."
        }
        strong.number #idRichContext_DisplaySign { (number) }
        (form(&frame.action, &frame.flow, "mfa", &fields))
    };
    Page::new("mfa", "Approve the sign-in request", body).tenant(frame.tenant.clone())
}

/// Asks to register a second factor.
pub(crate) fn register_factor(frame: &Frame, upn: &str) -> Page {
    let fields = actions(("register", "Register"), Some(("cancel", "Cancel")));
    let body = html! {
        p.who #displayName { (upn) }
        p {
            "Your organization requires a second factor, and none is registered for your account. \
             This mock has no telephone: registering takes one press of a button."
        }
        p.alert.note { "More information is required. " span.mono { "AADSTS50072" } }
        (form(&frame.action, &frame.flow, "register-factor", &fields))
    };
    Page::new("register-factor", "Keep your account secure", body)
        .tenant(frame.tenant.clone())
        .error_code(Some(50072))
}

/// Asks for a device that is marked as compliant.
pub(crate) fn compliant_device(frame: &Frame, upn: &str) -> Page {
    let fields = actions(
        ("compliant-device", "It is compliant"),
        Some(("cancel", "Cancel")),
    );
    let body = html! {
        p.who #displayName { (upn) }
        p {
            "Your organization lets only devices in that it manages. This mock knows no devices: \
             say whether you sit at one."
        }
        p.alert.note { "This device is not compliant. " span.mono { "AADSTS53000" } }
        (form(&frame.action, &frame.flow, "compliant-device", &fields))
    };
    Page::new("compliant-device", "Set up your device to get access", body)
        .tenant(frame.tenant.clone())
        .error_code(Some(53000))
}

/// Asks for a new password; `notice` is the reason, with its code.
pub(crate) fn change_password(
    frame: &Frame,
    upn: &str,
    notice: (u32, &str),
    error: Option<(u32, &str)>,
) -> Page {
    let field = |id: &str, name: &str, label: &str, autocomplete: &str| {
        html! {
            label for=(id) { (label) }
            input type="password" id=(id) name=(name) autocomplete=(autocomplete);
        }
    };
    let fields = html! {
        (alert("passwordError", error))
        (field("currentPassword", "passwd", "Current password", "current-password"))
        (field("newPassword", "newpasswd", "New password", "new-password"))
        (field("confirmNewPassword", "confirmpasswd", "Confirm the new password", "new-password"))
        (actions(("change-password", "Sign in"), Some(("cancel", "Cancel"))))
    };
    let body = html! {
        p.who #displayName { (upn) }
        p.alert.note { (notice.1) " " span.mono { "AADSTS" (notice.0) } }
        (form(&frame.action, &frame.flow, "password-change", &fields))
    };
    Page::new("password-change", "Update your password", body)
        .tenant(frame.tenant.clone())
        .error_code(Some(error.map_or(notice.0, |it| it.0)))
}

/// Asks to accept the terms of use.
pub(crate) fn terms_of_use(frame: &Frame, upn: &str) -> Page {
    let organization = frame.tenant.as_deref().unwrap_or("The organization");
    let fields = actions(("accept", "Accept"), Some(("cancel", "Decline")));
    let body = html! {
        p.who #displayName { (upn) }
        p { (organization) " wants you to accept its terms of use before you go on." }
        p.alert.note {
            "Terms of use of a test tenant: there is nothing to agree to, and nothing is sold. "
            span.mono { "AADSTS50158" }
        }
        (form(&frame.action, &frame.flow, "terms-of-use", &fields))
    };
    Page::new("terms-of-use", "Terms of use", body)
        .tenant(frame.tenant.clone())
        .error_code(Some(50158))
}

/// The tenant's users, each of whom signs in with one press of a button.
fn quick_picks(frame: &Frame, picks: &[AccountTile]) -> Option<Markup> {
    if picks.is_empty() {
        return None;
    }
    let choose = html! {
        ul.list { @for pick in picks { li { (tile("pick", pick)) } } }
    };
    Some(html! {
        aside.side aria-labelledby="quick" {
            h2 #quick { "Test users" }
            p.soft { "One press signs in, with the user's own password." }
            (form(&frame.action, &frame.flow, "", &choose))
        }
    })
}

fn tile(name: &str, account: &AccountTile) -> Markup {
    html! {
        button.row type="submit" name=(name) value=(account.value) {
            (portrait(&account.name))
            span {
                (account.name)
                @if let Some(remark) = account.remark { span.pill { (remark) } }
                small { (account.upn) }
            }
        }
    }
}

fn to_continue(app: Option<&str>) -> Markup {
    html! {
        @match app {
            Some(app) => { "to continue to " strong { (app) } }
            None => { "to continue" }
        }
    }
}
