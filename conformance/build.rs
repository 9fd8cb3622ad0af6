//! Packs the scenarios into one compressed file that the program carries. `src/case/library.rs` reads
//! it: for each file its name and its text, each behind its length and a space.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::Compression;
use flate2::write::DeflateEncoder;

#[expect(
    clippy::disallowed_methods,
    reason = "cargo names the output folder in the environment"
)]
fn main() {
    // A link in the repository, a folder in a published crate. Git for Windows may check a link out
    // as a file.
    let folder = ["scenarios", "../scenarios"]
        .into_iter()
        .map(Path::new)
        .find(|it| it.is_dir())
        .expect("the scenarios lie beside the crate or in it");
    let folder = fs::canonicalize(folder).expect("a folder has a path");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    collect(&folder, &mut files);
    files.sort();
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
    for path in &files {
        let name = path.strip_prefix(&folder).expect("it lies in the folder");
        let name = name.to_str().expect("a name is text").replace('\\', "/");
        let text = fs::read_to_string(path).expect("a scenario is text");
        for part in [name, text] {
            write!(packed, "{} {part}", part.len()).expect("memory takes it");
        }
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names the output folder"));
    fs::write(
        out.join("scenarios.bin"),
        packed.finish().expect("memory takes it"),
    )
    .expect("the output folder can be written");
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|it| it == "yaml") {
            into.push(path);
        }
    }
}
