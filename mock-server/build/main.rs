//! Compiles tables of `data/` into what the program looks up without reading them when it starts.

mod model;
mod permissions;

use std::path::{Path, PathBuf};
use std::{env, fs};

#[expect(
    clippy::disallowed_methods,
    reason = "cargo names the output folder in the environment"
)]
fn main() {
    let data = Path::new("data");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names the output folder"));
    let write = |name: &str, content: &[u8]| {
        fs::write(out.join(name), content).expect("the output folder can be written");
    };
    let compiler = model::Compiler::new(&data.join("model"));
    write("graph-model.bin", &compiler.compile());
    let tables = [
        ("GRAPH", "permissions.csv"),
        ("EXCHANGE", "exchange-permissions.csv"),
    ];
    let mut code = String::new();
    for (name, file) in tables {
        permissions::compile(&mut code, name, &data.join(file));
    }
    write("permissions.rs", code.as_bytes());
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=data/model");
    for (_, file) in tables {
        println!("cargo::rerun-if-changed=data/{file}");
    }
}
