//! Where the machine's certificate authority and keys are kept.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::platform::{DATA_FOLDER, user};

/// `$XDG_DATA_HOME/entra-mock`, or `.local/share/entra-mock` in the home folder, which the user
/// database names where HOME is not set; where there is none, a folder of the system's temporary
/// files with the user's id in its name. Whoever uses it checks that it is the user's own.
#[expect(
    clippy::disallowed_methods,
    reason = "the place of a user's files is in the environment"
)]
pub fn default_data_directory() -> PathBuf {
    place(std::env::var_os("XDG_DATA_HOME"), std::env::home_dir())
}

fn place(data_home: Option<OsString>, home: Option<PathBuf>) -> PathBuf {
    // Relative paths are to be ignored. Source: XDG Base Directory Specification, "Basics".
    let data_home = data_home.map(PathBuf::from).filter(|it| it.is_absolute());
    // Accounts without a home have `/`, or a path that is not there.
    let home = home.filter(|it| it.is_dir() && it.parent().is_some());
    let folder = data_home.or_else(|| home.map(|home| home.join(DATA_FOLDER)));
    match folder {
        Some(folder) => folder.join("entra-mock"),
        None => {
            let user = user();
            std::env::temp_dir().join(format!("entra-mock-{user}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_the_user_is_preferred() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().to_owned();
        let in_home = home.join(DATA_FOLDER).join("entra-mock");
        let data = std::path::absolute("/data").unwrap();
        assert_eq!(
            place(Some(data.clone().into()), Some(home.clone())),
            data.join("entra-mock")
        );
        assert_eq!(place(Some("data".into()), Some(home.clone())), in_home);
        assert_eq!(place(None, Some(home)), in_home);
        for home in [None, Some("/".into()), Some("/nonexistent".into())] {
            let path = place(None, home);
            assert!(
                path.ends_with(format!("entra-mock-{}", user())),
                "{}",
                path.display()
            );
        }
    }
}
